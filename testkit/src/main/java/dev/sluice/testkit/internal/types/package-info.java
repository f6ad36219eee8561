/**
 * The shapes of the built-in kinds: which fields they have, in which order, of which type.
 *
 * <p>The table is generated from the released Go types (see {@code testkit/types} in the source
 * tree). {@link dev.sluice.testkit.internal.types.GoCodec} reads an object through it as Go would:
 * unknown fields are noticed and dropped, wrong types refused in Go's words, times and quantities
 * brought into canonical form, empty values left out where Go leaves them out, and keys put into
 * the order of the structs.
 */
@NullMarked
package dev.sluice.testkit.internal.types;

import org.jspecify.annotations.NullMarked;
