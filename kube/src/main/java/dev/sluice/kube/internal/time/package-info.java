/** Waiting and being woken, for threads that must be able to do both in virtual time. */
@NullMarked
package dev.sluice.kube.internal.time;

import org.jspecify.annotations.NullMarked;
