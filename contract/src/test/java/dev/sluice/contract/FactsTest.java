package dev.sluice.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class FactsTest {

  private static Set<String> cases() {
    Set<String> ids = new TreeSet<>();
    Stream.of(ContractSuite.class, LongContractSuite.class)
        .flatMap(suite -> Stream.of(suite.getDeclaredClasses()))
        .map(Class::getSuperclass)
        .forEach(chapter -> {
          for (Method method : chapter.getDeclaredMethods()) {
            if (method.isAnnotationPresent(Proves.class)) {
              ids.add(
                  Contract.id(
                      Objects.requireNonNull(chapter.getAnnotation(Chapter.class)), method));
            }
          }
        });
    return ids;
  }

  @Test
  void everyCaseThatIsNamedExists() {
    List<String> named =
        Facts.read().sections().stream()
            .flatMap(section -> section.sentences().stream())
            .flatMap(sentence -> sentence.cases().stream())
            .toList();
    assertThat(named).hasSizeGreaterThan(90);
    assertThat(cases()).containsAll(named);
  }

  @Test
  void aSentenceWithoutCasesNeedsAReason() {
    assertThatThrownBy(() -> Facts.parse("= A\nsaid.\nsaid, too.\n  a/b\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("neither cases nor a reason: said.");
    assertThatThrownBy(() -> Facts.parse("= A\nsaid."))
        .hasMessage("neither cases nor a reason: said.");
  }

  @Test
  void casesNeedASentenceAndASentenceASection() {
    assertThatThrownBy(() -> Facts.parse("= A\n  a/b\n")).hasMessage("cases of no sentence: a/b");
    assertThatThrownBy(() -> Facts.parse("said.\n  a/b\n")).hasMessage("in no section: said.");
  }

  @Test
  void sectionsSentencesCasesAndReasonsAreRead() {
    assertThat(Facts.parse("# note\n= A\nsaid.\n  a/b  c/d\n\n= B\nelse.\n  - so\n").sections())
        .containsExactly(
            new Facts.Section("A", List.of(new Facts.Sentence("said.", List.of("a/b", "c/d"), ""))),
            new Facts.Section("B", List.of(new Facts.Sentence("else.", List.of(), "so"))));
  }
}
