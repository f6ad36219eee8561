package dev.sluice.bench;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Names who does the work in a JMH benchmark method. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.METHOD)
public @interface Contender {

  /**
   * Who: {@code sluice}, with its variant after a comma; the peer's usual name; or {@code floor:}
   * and what nobody can do without.
   */
  String value();

  /** A class of the peer, whose jar names its version. */
  Class<?> from() default Void.class;
}
