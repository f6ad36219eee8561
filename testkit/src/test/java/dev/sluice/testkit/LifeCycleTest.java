package dev.sluice.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;

import dev.sluice.testkit.EmbeddedApiServer.Lifecycle;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;

/** From the first test of a class to after its last one, in a JUnit within JUnit. */
class LifeCycleTest {
  /** The servers that the tests within have seen, in their order. */
  private static final List<ApiServer> SEEN = new CopyOnWriteArrayList<>();

  private static final String CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

  @BeforeEach
  void nothingSeen() {
    SEEN.clear();
  }

  private static EngineExecutionResults run(Class<?>... classes) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(
            Arrays.stream(classes)
                .map(c -> selectClass(c))
                .toArray(s -> new org.junit.platform.engine.discovery.ClassSelector[s]))
        .configurationParameter(Within.PARAMETER, "true")
        .execute();
  }

  private static EngineExecutionResults runInParallel(Class<?>... classes) {
    return EngineTestKit.engine("junit-jupiter")
        .selectors(
            Arrays.stream(classes)
                .map(c -> selectClass(c))
                .toArray(s -> new org.junit.platform.engine.discovery.ClassSelector[s]))
        .configurationParameter("junit.jupiter.execution.parallel.enabled", "true")
        .configurationParameter("junit.jupiter.execution.parallel.mode.default", "same_thread")
        .configurationParameter(
            "junit.jupiter.execution.parallel.mode.classes.default", "concurrent")
        .configurationParameter("junit.jupiter.execution.parallel.config.strategy", "fixed")
        .configurationParameter("junit.jupiter.execution.parallel.config.fixed.parallelism", "2")
        .configurationParameter(Within.PARAMETER, "true")
        .execute();
  }

  private static void assertAllPassed(EngineExecutionResults results, int tests) {
    assertThat(failures(results)).isEmpty();
    assertThat(results.testEvents().succeeded().count()).isEqualTo(tests);
  }

  /** What the tests and classes that failed say. */
  private static List<String> failures(EngineExecutionResults results) {
    return results.allEvents().failed().stream()
        .map(event -> event.getRequiredPayload(TestExecutionResult.class))
        .map(result -> String.valueOf(result.getThrowable().orElse(null)))
        .toList();
  }

  private static boolean isUp(URI url) {
    try (Http http = new Http(url, "", java.net.http.HttpClient.Version.HTTP_1_1)) {
      return http.get("/readyz").status() == 200;
    } catch (java.io.UncheckedIOException e) {
      return false;
    }
  }

  private static List<String> configMaps(ApiServer server) {
    try (Http http = new Http(server)) {
      return http.get(CONFIG_MAPS)
          .json()
          .at("/items")
          .valueStream()
          .map(item -> item.at("/metadata/name").asString())
          .toList();
    }
  }

  private static void create(ApiServer server, String name) {
    try (Http http = new Http(server)) {
      assertThat(http.post(CONFIG_MAPS, "{\"metadata\":{\"name\":\"" + name + "\"}}").status())
          .isEqualTo(201);
    }
  }

  // --- one server for a class --------------------------------------------------------------------

  @EmbeddedApiServer(load = "settings.yaml")
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  @Within
  static class PerClass {
    @Test
    @Order(1)
    void first(ApiServer server, Faults faults, Requests requests) {
      SEEN.add(server);
      assertThat(faults).isSameAs(server.faults());
      assertThat(requests).isSameAs(server.requests());
      assertThat(configMaps(server)).containsExactly("settings");
      create(server, "left-behind");
      server.faults().inject(RequestMatch.any(), Fault.refuse(500, "", "left behind"));
      server.faults().outage();
    }

    @Test
    @Order(2)
    void second(ApiServer server, Requests requests) {
      SEEN.add(server);
      assertThat(requests.count()).isZero();
      assertThat(configMaps(server)).containsExactly("settings");
    }

    @RepeatedTest(2)
    @Order(3)
    void third(ApiServer server) {
      SEEN.add(server);
      assertThat(configMaps(server)).containsExactly("settings");
      create(server, "left-behind");
    }
  }

  @Test
  void oneServerServesAllTestsOfAClassAndIsResetBeforeEach() {
    assertAllPassed(run(PerClass.class), 4);
    assertThat(SEEN).hasSize(4).containsOnly(SEEN.get(0));
  }

  @Test
  void theServerOfAClassEndsWithIt() {
    run(PerClass.class);
    assertThat(isUp(SEEN.get(0).url())).isFalse();
  }

  @Test
  void twoClassesHaveTwoServers() {
    assertAllPassed(run(PerClass.class, InheritsIt.class), 8);
    assertThat(SEEN.get(0)).isNotSameAs(SEEN.get(4));
  }

  static class InheritsIt extends PerClass {}

  @EmbeddedApiServer
  @Within
  static class WithBeforeAll {
    @BeforeAll
    static void load(ApiServer server) {
      SEEN.add(server);
      create(server, "for-all");
    }

    @Test
    void one(ApiServer server) {
      SEEN.add(server);
      assertThat(configMaps(server)).containsExactly("for-all");
      create(server, "of-one");
    }

    @Test
    void other(ApiServer server) {
      SEEN.add(server);
      assertThat(configMaps(server)).containsExactly("for-all");
      create(server, "of-other");
    }
  }

  @Test
  void whatABeforeAllMethodPutIntoTheServerIsThereForEachTest() {
    assertAllPassed(run(WithBeforeAll.class), 2);
    assertThat(SEEN).hasSize(3).containsOnly(SEEN.get(0));
  }

  @EmbeddedApiServer
  @Within
  static class WithConstructor {
    private final ApiServer server;

    WithConstructor(ApiServer server) {
      this.server = server;
    }

    @BeforeEach
    void sameAsInTheConstructor(ApiServer now) {
      assertThat(now).isSameAs(server);
    }

    @Test
    void one(ApiServer now) {
      SEEN.add(now);
      assertThat(now).isSameAs(server);
    }

    @Test
    void other() {
      SEEN.add(server);
    }
  }

  @Test
  void aConstructorTakesTheServerOfTheClass() {
    assertAllPassed(run(WithConstructor.class), 2);
    assertThat(SEEN).hasSize(2).containsOnly(SEEN.get(0));
  }

  @EmbeddedApiServer
  @Within
  static class Outer {
    @Test
    void outer(ApiServer server) {
      SEEN.add(server);
      create(server, "outer");
    }

    @Nested
    class Inner {
      @Test
      void inner(ApiServer server) {
        SEEN.add(server);
        assertThat(configMaps(server)).isEmpty();
      }
    }

    @Nested
    class OtherInner {
      @Test
      void inner(ApiServer server) {
        SEEN.add(server);
      }
    }

    @Nested
    @EmbeddedApiServer(load = "settings.yaml")
    class WithItsOwn {
      @Test
      void own(ApiServer server) {
        assertThat(SEEN).doesNotContain(server);
        assertThat(configMaps(server)).containsExactly("settings");
      }
    }
  }

  @Test
  void nestedClassesShareTheServerUnlessTheyHaveTheirOwn() {
    assertAllPassed(run(Outer.class), 4);
    assertThat(SEEN).hasSize(3).containsOnly(SEEN.get(0));
  }

  // --- one server for a test ---------------------------------------------------------------------

  @EmbeddedApiServer(lifecycle = Lifecycle.PER_METHOD, load = "settings.yaml")
  @TestMethodOrder(MethodOrderer.OrderAnnotation.class)
  @Within
  static class PerMethod {
    @BeforeEach
    void sees(ApiServer server) {
      SEEN.add(server);
    }

    @Test
    @Order(1)
    void first(ApiServer server) {
      assertThat(server).isSameAs(SEEN.getLast());
      assertThat(configMaps(server)).containsExactly("settings");
    }

    @Test
    @Order(2)
    void second() {
      assertThat(isUp(SEEN.get(0).url())).as("the first test's server").isFalse();
      assertThat(isUp(SEEN.get(1).url())).as("this test's server").isTrue();
    }
  }

  @Test
  void eachTestHasAServerOfItsOwnThatEndsWithIt() {
    assertAllPassed(run(PerMethod.class), 2);
    assertThat(SEEN).doesNotHaveDuplicates();
    assertThat(isUp(SEEN.get(1).url())).isFalse();
  }

  @Within
  static class OnMethods {
    @Test
    void without() {}

    @Test
    @EmbeddedApiServer(tls = true)
    void with(ApiServer server) {
      SEEN.add(server);
      assertThat(server.url()).hasScheme("https");
    }
  }

  @Test
  void aMethodMayHaveAServer() {
    assertAllPassed(run(OnMethods.class), 2);
  }

  @EmbeddedApiServer(lifecycle = Lifecycle.PER_METHOD)
  @Within
  static class TooEarly {
    @BeforeAll
    static void takes(ApiServer server) {}

    @Test
    void test() {}
  }

  @Test
  void aServerOfATestIsNotThereBeforeAllTests() {
    assertThat(failures(run(TooEarly.class)))
        .singleElement()
        .asString()
        .contains("Each test of " + TooEarly.class.getName() + " has an API server of its own");
  }

  // --- in parallel -------------------------------------------------------------------------------

  private static final CyclicBarrier BOTH = new CyclicBarrier(2);

  private static void meet() throws Exception {
    BOTH.await(30, TimeUnit.SECONDS);
  }

  @EmbeddedApiServer
  @Within
  static class OneOfTwo {
    @BeforeAll
    static void takes(ApiServer server) {
      create(server, "for-all");
    }

    @Test
    void works(ApiServer server) throws Exception {
      SEEN.add(server);
      create(server, "a");
      meet();
      assertThat(configMaps(server)).containsExactly("a", "for-all");
      meet();
    }
  }

  @EmbeddedApiServer
  static class TwoOfTwo extends OneOfTwo {}

  @Test
  void classesThatRunInParallelHaveAServerEach() {
    assertAllPassed(runInParallel(OneOfTwo.class, TwoOfTwo.class), 2);
    assertThat(SEEN).hasSize(2).doesNotHaveDuplicates();
  }

  @EmbeddedApiServer
  @Execution(ExecutionMode.CONCURRENT)
  @Within
  static class ParallelTests {
    @Test
    void one(ApiServer server) throws Exception {
      works(server);
    }

    @Test
    void other(ApiServer server) throws Exception {
      works(server);
    }

    private static void works(ApiServer server) throws Exception {
      SEEN.add(server);
      create(server, "a");
      meet();
      assertThat(configMaps(server)).containsExactly("a");
      meet();
    }
  }

  @Test
  void testsThatRunInParallelHaveAServerEach() {
    assertAllPassed(runInParallel(ParallelTests.class), 2);
    assertThat(SEEN).hasSize(2).doesNotHaveDuplicates();
  }

  @EmbeddedApiServer
  @Execution(ExecutionMode.CONCURRENT)
  @Within
  static class ParallelWithBeforeAll {
    @BeforeAll
    static void takes(ApiServer server) {}

    @Test
    void test(ApiServer server) {}
  }

  @Test
  void parallelTestsAreNotGivenAServerOtherThanTheOneBeforeAll() {
    assertThat(failures(runInParallel(ParallelWithBeforeAll.class)))
        .singleElement()
        .asString()
        .contains("run in parallel", "@BeforeAll", "ExecutionMode.SAME_THREAD");
  }

  // --- what is loaded ----------------------------------------------------------------------------

  @EmbeddedApiServer(
      load = {
        "widgets.yaml",
        "/dev/sluice/testkit/settings.yaml",
        "src/test/resources/dev/sluice/testkit/settings.yaml"
      })
  @Within
  static class Loads {
    @Test
    void findsIt(ApiServer server) {
      try (Http http = new Http(server)) {
        Http.Answer widget = http.get("/apis/example.com/v1/namespaces/default/widgets/small");
        assertThat(widget.at("/status/phase")).isEqualTo("Ready");
      }
      assertThat(configMaps(server)).containsExactly("settings");
    }
  }

  @Test
  void loadsDefinitionsObjectsAndFiles() {
    assertAllPassed(run(Loads.class), 1);
  }

  @EmbeddedApiServer(load = "missing.yaml")
  @Within
  static class LoadsWhatIsMissing {
    @Test
    void test() {}
  }

  @Test
  void aFileThatIsMissingIsNamedWithWhereItWasSought() {
    assertThat(failures(run(LoadsWhatIsMissing.class)))
        .singleElement()
        .asString()
        .contains(
            "@EmbeddedApiServer(load = \"missing.yaml\") of " + LoadsWhatIsMissing.class.getName(),
            "no such resource beside the class",
            "no such file in " + java.nio.file.Path.of("").toAbsolutePath());
  }

  @EmbeddedApiServer(load = "broken.yaml")
  @Within
  static class LoadsWhatIsBroken {
    @Test
    void test() {}
  }

  @Test
  void aFileThatIsNoYamlIsNamedWithThePlace() {
    assertThat(failures(run(LoadsWhatIsBroken.class)))
        .singleElement()
        .asString()
        .contains("load = \"broken.yaml\"", "is no YAML", "line 3");
  }

  @EmbeddedApiServer(load = "refused.yaml")
  @Within
  static class LoadsWhatIsRefused {
    @Test
    void test() {}
  }

  @Test
  void anObjectThatIsRefusedIsNamedWithTheReason() {
    assertThat(failures(run(LoadsWhatIsRefused.class)))
        .singleElement()
        .asString()
        .contains("load = \"refused.yaml\"", "Document 2", "ConfigMap 'No_Name'", "metadata.name");
  }

  @EmbeddedApiServer(history = -1)
  @Within
  static class WithBadSetting {
    @Test
    void test() {}
  }

  @Test
  void aSettingThatIsOutOfRangeIsNamed() {
    assertThat(failures(run(WithBadSetting.class)))
        .singleElement()
        .asString()
        .contains("@EmbeddedApiServer of " + WithBadSetting.class.getName(), "-1");
  }
}
