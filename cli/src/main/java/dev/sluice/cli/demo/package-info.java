/**
 * {@code sluice demo}: a script of incidents on an API server, and what holds.
 *
 * <p>Start at {@link dev.sluice.cli.demo.Demo}: it sets the {@link dev.sluice.cli.demo.Stage} (a
 * namespace, a kind, the {@link dev.sluice.cli.demo.Proxy} that can be told to fail), starts the
 * {@link dev.sluice.cli.demo.Pipeline} (informer, controller, writer: what must hold) and plays the
 * {@link dev.sluice.cli.demo.Script}, a list of {@link dev.sluice.cli.demo.Incident}s. Each of them
 * makes something go wrong, with the {@link dev.sluice.cli.demo.Load} as the rest of the world, and
 * gives a {@link dev.sluice.cli.demo.Verdict}. In the end a {@link dev.sluice.cli.demo.Comparison}
 * sets every object in the store beside the server's, and {@link dev.sluice.cli.demo.Windows}
 * counts what the proxy saw against the limits. The {@link dev.sluice.cli.demo.Watcher} reads the
 * figures several times a second for the {@link dev.sluice.cli.demo.Screen}.
 */
@NullMarked
package dev.sluice.cli.demo;

import org.jspecify.annotations.NullMarked;
