package dev.sluice.kube;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Values move one way, and the arrows between the rooms with them. */
class ArchitectureTest {
  private static final String INTERNAL = "dev.sluice.kube.internal.";
  private static final JavaClasses KUBE =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("dev.sluice.kube");

  @Test
  void eachRoomIsUsedOnlyByThoseBehindIt() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .layer("api")
        .definedBy("dev.sluice.kube")
        .layer("json")
        .definedBy(INTERNAL + "json")
        .layer("time")
        .definedBy(INTERNAL + "time")
        .layer("transport")
        .definedBy(INTERNAL + "transport")
        .layer("store")
        .definedBy(INTERNAL + "store")
        .layer("watch")
        .definedBy(INTERNAL + "watch")
        .layer("informer")
        .definedBy(INTERNAL + "informer")
        .layer("controller")
        .definedBy(INTERNAL + "controller")
        .layer("journal")
        .definedBy(INTERNAL + "journal")
        .layer("discovery")
        .definedBy(INTERNAL + "discovery")
        .layer("election")
        .definedBy(INTERNAL + "election")
        .whereLayer("election")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("journal")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("controller")
        .mayOnlyBeAccessedByLayers("api", "journal")
        .whereLayer("discovery")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("informer")
        .mayOnlyBeAccessedByLayers("api")
        .whereLayer("watch")
        .mayOnlyBeAccessedByLayers("api", "informer", "journal")
        .whereLayer("store")
        .mayOnlyBeAccessedByLayers("api", "informer", "watch", "controller", "journal")
        .whereLayer("transport")
        .mayOnlyBeAccessedByLayers("api", "watch", "discovery")
        .whereLayer("time")
        .mayOnlyBeAccessedByLayers("api", "informer", "watch", "controller")
        .whereLayer("json")
        .mayOnlyBeAccessedByLayers(
            "api", "watch", "store", "transport", "discovery", "controller", "election")
        .check(KUBE);
  }

  @Test
  void noClientLibraryIsKnown() {
    classes()
        .should()
        .onlyDependOnClassesThat()
        .resideInAnyPackage(
            "dev.sluice..", "java..", "javax.crypto..", "javax.net.ssl..", "org.jspecify..")
        .check(KUBE);
  }

  @Test
  void theProtocolKnowsNeitherInputOutputNorTheClock() {
    noClasses()
        .that()
        .haveNameMatching(
            ".*\\.internal\\.watch\\.(WatchMachine|State|Position|Step|Input|Action).*")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("java.io..", "java.net..", "java.nio..", "java.util.concurrent..")
        .orShould()
        .dependOnClassesThat()
        .haveSimpleNameEndingWith("TimeSource")
        .orShould()
        .dependOnClassesThat()
        .haveSimpleNameEndingWith("RandomGenerator")
        .check(KUBE);
  }
}
