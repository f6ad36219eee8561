package dev.sluice.contract;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * The embedded server answers this case otherwise than the real one, and is meant to.
 *
 * <p>It stands in the report's table of differences. When the two no longer differ the case fails,
 * so that no excuse outlives its reason.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Deliberate {

  /** Why. */
  String value();
}
