/** Rates, pressure and failure: the primitives, with no dependency but JSpecify's annotations. */
module dev.sluice.flow {
  requires static transitive org.jspecify;

  exports dev.sluice.flow;
}
