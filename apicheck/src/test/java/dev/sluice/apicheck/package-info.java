/**
 * Reports changes of the public API of the published artifacts.
 *
 * <p>{@link dev.sluice.apicheck.Signatures} lists an artifact's API as text, one line for each type
 * and member; {@code apicheck/baseline} holds what was listed last; {@link
 * dev.sluice.apicheck.ApiChanges} compares the two. {@link dev.sluice.apicheck.PublicApiTest} does
 * so for each artifact of the BOM, prints what changed, and fails for what breaks users of stable
 * API.
 */
@NullMarked
package dev.sluice.apicheck;

import org.jspecify.annotations.NullMarked;
