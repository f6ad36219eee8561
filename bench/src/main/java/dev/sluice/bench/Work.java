package dev.sluice.bench;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** A task that contenders are compared in. On a class of JMH benchmarks, or a {@link Measured}. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
public @interface Work {

  /** Its name, by which {@code --only} chooses it and the Go program knows it. */
  String name();

  /** What is done, for the table. */
  String title();

  /** What the figures count. */
  Unit unit();

  /** What Sluice wants to reach, for the table; empty if there is no target. */
  String target() default "";

  /** What figures count. */
  enum Unit {
    /** Nanoseconds an operation; less is better. */
    NS_PER_OP("ns/op"),
    /** Operations a second; more is better. */
    OPS_PER_SECOND("ops/s"),
    /** Milliseconds; less is better. */
    MILLISECONDS("ms"),
    /** Bytes; less is better. */
    BYTES("B"),
    /** Percent, of an error say; less is better. */
    PERCENT("%");

    private final String symbol;

    Unit(String symbol) {
      this.symbol = symbol;
    }

    /** As it stands in the table, the JSON file and the Go program's output. */
    public String symbol() {
      return symbol;
    }

    boolean moreIsBetter() {
      return this == OPS_PER_SECOND;
    }
  }
}
