/** A Kubernetes API server inside the JVM, for tests. */
module dev.sluice.testkit {
  requires org.bouncycastle.pkix;
  requires org.bouncycastle.provider;
  requires org.eclipse.jetty.alpn.server;
  requires org.eclipse.jetty.http2.common;
  requires org.eclipse.jetty.http2.server;
  requires org.eclipse.jetty.server;
  requires org.eclipse.jetty.util;
  requires org.snakeyaml.engine;
  requires tools.jackson.core;
  requires tools.jackson.databind;
  requires static org.junit.jupiter.api;
  requires static org.junit.platform.commons;
  requires static transitive org.jspecify;

  exports dev.sluice.testkit;

  opens dev.sluice.testkit.internal.junit to
      org.junit.platform.commons;
}
