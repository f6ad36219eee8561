/**
 * Structural schemas of custom resources: defaulting, pruning and validation.
 *
 * <p>{@link dev.sluice.testkit.internal.schema.Schema} is the {@code openAPIV3Schema} of one
 * version, read once; {@link dev.sluice.testkit.internal.schema.Defaulting}, {@link
 * dev.sluice.testkit.internal.schema.Pruning} and {@link
 * dev.sluice.testkit.internal.schema.Validation} walk it. The faults they find carry the words and
 * the reasons of the real server.
 */
@NullMarked
package dev.sluice.testkit.internal.schema;

import org.jspecify.annotations.NullMarked;
