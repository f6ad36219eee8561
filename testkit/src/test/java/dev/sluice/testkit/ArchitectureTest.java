package dev.sluice.testkit;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import org.junit.jupiter.api.Test;

/** What may lean on what. */
class ArchitectureTest {
  private static final String HOME = "dev.sluice.testkit";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages(HOME);

  private static void holds(ArchRule rule) {
    rule.check(CLASSES);
  }

  @Test
  void sharesNoCodeWithTheClientItTests() {
    holds(
        classes()
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(
                HOME + "..",
                "java..",
                "javax.net.ssl..",
                "org.bouncycastle..",
                "org.eclipse.jetty..",
                "org.jspecify..",
                "org.junit..",
                "org.snakeyaml..",
                "tools.jackson..")
            .because("both could be wrong alike"));
  }

  @Test
  void theStoreKnowsNothingButItself() {
    holds(
        classes()
            .that()
            .resideInAPackage(HOME + ".internal.store..")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage(HOME + ".internal.store..", "java..", "org.jspecify.."));
  }

  @Test
  void whatTheApiMeansKnowsNothingOfSockets() {
    holds(
        noClasses()
            .that()
            .resideInAnyPackage(
                HOME + ".internal.api..",
                HOME + ".internal.schema..",
                HOME + ".internal.types..",
                HOME + ".internal.json..")
            .should()
            .dependOnClassesThat()
            .resideInAnyPackage(HOME, HOME + ".internal.http..", "org.eclipse.jetty.."));
  }

  @Test
  void onlyTheExtensionNeedsJunit() {
    holds(
        noClasses()
            .that()
            .resideOutsideOfPackage(HOME + ".internal.junit..")
            .and()
            .doNotHaveFullyQualifiedName(HOME + ".EmbeddedApiServer")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("org.junit.."));
  }
}
