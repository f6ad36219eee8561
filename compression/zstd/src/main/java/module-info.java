/** Packs stored objects that have rested, with Zstandard. */
module dev.sluice.zstd {
  requires transitive dev.sluice.kube;
  requires com.github.luben.zstd_jni;
  requires static transitive org.jspecify;

  exports dev.sluice.zstd;

  provides dev.sluice.kube.Compression with
      dev.sluice.zstd.ZstdCompression;
}
