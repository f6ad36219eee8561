/** Seeded generators, a runner and a shrinker for model tests. */
module dev.sluice.modeltest {
  requires static transitive org.jspecify;

  exports dev.sluice.modeltest;
}
