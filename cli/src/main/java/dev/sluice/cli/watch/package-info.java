/**
 * {@code sluice watch}: the changes of one kind, line by line.
 *
 * <p>{@link dev.sluice.cli.watch.WatchCommand} holds the options; a {@link
 * dev.sluice.cli.watch.Session} is one run: an informer whose changes a {@link
 * dev.sluice.cli.watch.Printer} writes at the rate asked for, and whose interruptions an {@link
 * dev.sluice.cli.watch.Account} tells on standard error.
 */
@NullMarked
package dev.sluice.cli.watch;

import org.jspecify.annotations.NullMarked;
