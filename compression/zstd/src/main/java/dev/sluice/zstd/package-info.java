/**
 * Zstandard for the stores of informers, by <a
 * href="https://github.com/luben/zstd-jni">zstd-jni</a>.
 *
 * <p>There is nothing to call: with this among the libraries, every informer packs what has rested.
 * {@link dev.sluice.zstd.ZstdCompression} is public for the module system to find.
 */
@NullMarked
package dev.sluice.zstd;

import org.jspecify.annotations.NullMarked;
