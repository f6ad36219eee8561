/**
 * JSON and YAML as the API server reads and writes them.
 *
 * <p>{@link dev.sluice.testkit.internal.json.Json} parses bytes into Jackson's tree, remembering
 * duplicate keys, and writes a tree the way Go's encoder does, byte for byte: numbers, escapes, and
 * for custom resources the order of keys. {@link dev.sluice.testkit.internal.json.Yaml} turns
 * documents into the same tree.
 */
@NullMarked
package dev.sluice.testkit.internal.json;

import org.jspecify.annotations.NullMarked;
