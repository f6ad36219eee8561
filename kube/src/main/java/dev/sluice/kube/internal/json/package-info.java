/**
 * Reads JSON where a whole parser would cost too much: on the way of every event.
 *
 * <p>{@link dev.sluice.kube.internal.json.ObjectScanner} walks the bytes of one object or one watch
 * frame and notes where the metadata's members are, in any order of keys, skipping everything else
 * without building a tree. {@link dev.sluice.kube.internal.json.JsonValue} does build a tree, for
 * the few small control messages (a {@code Status}, a discovery document). {@link
 * dev.sluice.kube.internal.json.Tokens} holds what both share: white space, strings, skipping.
 *
 * <p>Nothing here does I/O, keeps bytes, or trusts them: depth is capped, brackets must match, and
 * what is wrong is a {@link dev.sluice.kube.internal.json.MalformedJsonException} that says where.
 * Structure is checked, the grammar inside skipped values is not: on every input that this package
 * and a full parser both accept, both see the same.
 */
@NullMarked
package dev.sluice.kube.internal.json;

import org.jspecify.annotations.NullMarked;
