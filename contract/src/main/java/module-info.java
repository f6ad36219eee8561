/** What an API server promises, as cases that run unchanged on the embedded and on the real one. */
module dev.sluice.contract {
  requires java.net.http;
  requires org.assertj.core;
  requires org.junit.jupiter.api;
  requires org.opentest4j;
  requires static transitive org.jspecify;
  requires tools.jackson.databind;

  exports dev.sluice.contract;
  exports dev.sluice.contract.cases;
}
