package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.time.Duration;
import org.junit.jupiter.api.Timeout;

/** What can only be proved by waiting. */
@Chapter(value = "What takes long", order = 20)
public abstract class LongCases {

  @Proves("Default deadline 1800-3600 s, ended by a clean EOF.")
  @Timeout(4000)
  void defaultDeadline(Api api) {
    Answer a = api.configMap("a");
    long start = System.nanoTime();
    Watch watch = api.watch(CONFIG_MAPS, "resourceVersion=" + a.version());
    watch.ends(Duration.ofSeconds(3700));
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofSeconds(1790), Duration.ofSeconds(3630));
  }

  @Proves("etcd is compacted every 5 min: a continue token is good for five to ten, then 410.")
  @Timeout(1000)
  void continueTokensAge(Api api) {
    api.configMap("a");
    api.configMap("b");
    Answer page = api.get(CONFIG_MAPS, "limit=1").expect(200);
    long start = System.nanoTime();
    api.await(
        "the token has expired",
        Duration.ofSeconds(700),
        () -> {
          // Something is written all the time in a cluster; nothing is compacted otherwise.
          api.touch("a", "" + System.nanoTime());
          return api.get(CONFIG_MAPS, "limit=1", "continue=" + page.continuation()).code() == 410;
        });
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(Duration.ofSeconds(240), Duration.ofSeconds(660));
    api.get(CONFIG_MAPS, "limit=1", "continue=" + page.continuation()).expect(410, "Expired");
  }
}
