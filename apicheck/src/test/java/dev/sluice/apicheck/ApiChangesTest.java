package dev.sluice.apicheck;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.Experimental;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ApiChangesTest {

  private static ApiChanges between(Class<?> before, Class<?> after) {
    return ApiChanges.between(lines(before), lines(after));
  }

  /** As if both were versions of one type. */
  private static Set<String> lines(Class<?> type) {
    TreeSet<String> lines = new TreeSet<>();
    Signatures.add(type, lines);
    TreeSet<String> renamed = new TreeSet<>();
    for (String line : lines) {
      renamed.add(line.replace(type.getCanonicalName(), "Type"));
    }
    return renamed;
  }

  public interface Stable {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;

    @Experimental
    int count();
  }

  public interface StableWithDefault {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;

    @Experimental
    int count();

    default void more() {}
  }

  public interface StableWithDuty {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;

    @Experimental
    int count();

    void more();
  }

  public interface NotNull {
    String find(List<? extends CharSequence> names) throws IOException;

    @Experimental
    int count();
  }

  public interface Uncounted {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;
  }

  @Experimental
  public interface Retracted {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;

    int count();
  }

  public interface Promoted {
    @Nullable String find(List<? extends CharSequence> names) throws IOException;

    int count();
  }

  @Test
  void listsWhatUsersDependOn() {
    assertThat(lines(Stable.class))
        .containsExactlyInAnyOrder(
            "Type: public interface",
            "Type.find: public abstract"
                + " (java.util.List<? extends java.lang.CharSequence>) java.lang.String?"
                + " throws java.io.IOException",
            "experimental Type.count: public abstract () int");
  }

  @Test
  void findsNothingWhereNothingChanged() {
    assertThat(between(Stable.class, Stable.class).none()).isTrue();
  }

  @Test
  void breaksWhenAStableMemberGoes() {
    assertThat(between(Stable.class, NotNull.class).breaking())
        .first()
        .asString()
        .startsWith("gone: Type.find");
  }

  @Test
  void doesNotBreakWhenAnExperimentalMemberGoes() {
    ApiChanges changes = between(Stable.class, Uncounted.class);

    assertThat(changes.breaking()).isEmpty();
    assertThat(changes.removed()).hasSize(1);
    assertThat(changes.report("flow")).contains("1 gone").contains("- experimental Type.count");
  }

  @Test
  void breaksImplementorsWithANewAbstractMethodButNotWithADefaultOne() {
    assertThat(between(Stable.class, StableWithDuty.class).breaking())
        .singleElement()
        .asString()
        .startsWith("implementors lack it: Type.more");
    assertThat(between(Stable.class, StableWithDefault.class).breaking()).isEmpty();
  }

  @Test
  void breaksWhenStableApiBecomesExperimental() {
    assertThat(between(Stable.class, Retracted.class).breaking())
        .anyMatch(line -> line.startsWith("became experimental: Type: "))
        .anyMatch(line -> line.startsWith("became experimental: Type.find"));
  }

  @Test
  void doesNotBreakWhenExperimentalApiBecomesStable() {
    assertThat(between(Stable.class, Promoted.class).breaking()).isEmpty();
    assertThat(between(Stable.class, Promoted.class).none()).isFalse();
  }

  @Test
  void listsRecordsEnumsSealedTypesAndConstants() {
    assertThat(lines(Shapes.class))
        .contains(
            "Type.Pair: public record <A, B extends java.lang.Comparable<B>> implements Type.Half",
            "Type.Pair.new: public (A, B[]?)",
            "Type.Pair.second: public () B[]?",
            "Type.SIZE: public static final int = 2",
            "Type.Half: public sealed interface permits Type.Pair",
            "Type.Kind: public enum",
            "Type.Kind.ONE: public static final Type.Kind",
            "Type.of: public static <T extends java.lang.Comparable<T>> (T...) Type.Pair<T, T>");
    assertThat(lines(Shapes.class)).noneMatch(line -> line.contains("hashCode"));
  }

  @Test
  void leavesOutWhatUsersCannotSee() {
    record Unseen() {}
    assertThat(lines(Unseen.class)).isEmpty();
    assertThat(lines(Shapes.class)).noneMatch(line -> line.contains("hidden"));
  }

  public static final class Shapes {
    public static final int SIZE = 2;

    private Shapes() {}

    static void hidden() {}

    @SafeVarargs
    public static <T extends Comparable<T>> Pair<T, T> of(T... both) {
      return new Pair<>(both[0], both);
    }

    public sealed interface Half permits Pair {}

    public record Pair<A, B extends Comparable<B>>(A first, B @Nullable [] second)
        implements Half {}

    public enum Kind {
      ONE
    }
  }
}
