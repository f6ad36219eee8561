package dev.sluice.bench;

import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A task that contenders are compared in. On a class of JMH benchmarks, or on a {@link Measured},
 * which may have several: one run that gives a speed and a size, say.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.TYPE)
@Repeatable(Work.List.class)
public @interface Work {

  /** Its name, by which {@code --only} chooses it and the Go program knows it. */
  String name();

  /** What is done, for the table. */
  String title();

  /** What the figures count. */
  Unit unit();

  /** What Sluice wants to reach, for the reader; empty if there is no target. */
  String target() default "";

  /** The same as conditions on the figures. The target is met if all of them hold. */
  Goal[] goals() default {};

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
    /** Microseconds an operation; less is better. */
    US_PER_OP("us/op"),
    /** How many; less is better. */
    COUNT(""),
    /** How many times as small; more is better. */
    RATIO("x"),
    /** Percent, of an error say; less is better. */
    PERCENT("%"),
    /** Percent of what would be ideal; more is better. */
    PERCENT_OF_IDEAL("% of ideal");

    private final String symbol;

    Unit(String symbol) {
      this.symbol = symbol;
    }

    /** As it stands in the table, the JSON file and the Go program's output. */
    public String symbol() {
      return symbol;
    }

    boolean moreIsBetter() {
      return switch (this) {
        case OPS_PER_SECOND, PERCENT_OF_IDEAL, RATIO -> true;
        default -> false;
      };
    }

    boolean better(double a, double b) {
      return better(a, b, 1);
    }

    /** So many times better. */
    boolean better(double a, double b, double times) {
      return moreIsBetter() ? a > b * times : a * times < b;
    }
  }

  /** Several works of one class. */
  @Retention(RetentionPolicy.RUNTIME)
  @Target(ElementType.TYPE)
  @interface List {
    /** The works. */
    Work[] value();
  }
}
