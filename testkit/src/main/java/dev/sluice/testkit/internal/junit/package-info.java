/** The JUnit side of {@link dev.sluice.testkit.EmbeddedApiServer}. */
@NullMarked
package dev.sluice.testkit.internal.junit;

import org.jspecify.annotations.NullMarked;
