/** Watch streams, store and controller. */
@NullMarked
package dev.sluice.kube;

import org.jspecify.annotations.NullMarked;
