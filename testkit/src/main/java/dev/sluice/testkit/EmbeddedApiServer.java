package dev.sluice.testkit;

import dev.sluice.testkit.internal.junit.EmbeddedApiServerExtension;
import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A JUnit test with an API server. Put it on a class or on a method; the test takes an {@link
 * ApiServer} (or its {@link Faults} or {@link Requests}) as a parameter.
 *
 * <pre>{@code
 * @EmbeddedApiServer(load = "crd.yaml")
 * class WidgetControllerTest {
 *   @Test
 *   void reconcilesANewWidget(ApiServer server) { ... }
 * }
 * }</pre>
 *
 * <p>On a class, one server serves all its tests and is {@linkplain ApiServer#reset reset} before
 * each: objects are those of {@link #load} and of {@code @BeforeAll} again, faults are gone. Nested
 * classes share it, unless they have an annotation of their own. On a method, or with {@link
 * Lifecycle#PER_METHOD}, each test has a server of its own. Tests that run in parallel never share
 * one: then each test gets its own, whatever is said here.
 */
@Documented
@Inherited
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.TYPE, ElementType.METHOD})
@ExtendWith(EmbeddedApiServerExtension.class)
public @interface EmbeddedApiServer {

  /**
   * YAML files to load first: resources of the class path, relative to the test's class or, with a
   * leading slash, absolute; what is no resource is looked for as a file.
   */
  String[] load() default {};

  /** Whether to speak TLS. */
  boolean tls() default false;

  /** How many events of each resource are remembered. */
  int history() default 10_000;

  /** Milliseconds between two bookmarks of a watch. */
  long bookmarkMillis() default 60_000;

  /** How long a server lives. */
  Lifecycle lifecycle() default Lifecycle.PER_CLASS;

  /** How long a server lives. */
  enum Lifecycle {
    /** One server for all tests of the class, reset before each. */
    PER_CLASS,
    /** A new server for each test. */
    PER_METHOD
  }
}
