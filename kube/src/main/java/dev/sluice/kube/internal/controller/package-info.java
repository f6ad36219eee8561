/**
 * From a gate to reconciles.
 *
 * <p>{@link dev.sluice.kube.internal.controller.Engine} takes keys from an informer's gate, puts
 * them into a work queue, and runs a reconciler on them with a fixed number of workers. The queue
 * sees to it that a key is in one hand only and at the limiter's rate; {@link
 * dev.sluice.kube.internal.controller.Runs} remembers what a failed key has to wait for, so that an
 * event does not let it jump the wait.
 */
@NullMarked
package dev.sluice.kube.internal.controller;

import org.jspecify.annotations.NullMarked;
