/** Watch streams, store, informer and controller. */
module dev.sluice.kube {
  requires transitive dev.sluice.flow;
  requires static transitive org.jspecify;

  exports dev.sluice.kube;

  uses dev.sluice.kube.Compression;
}
