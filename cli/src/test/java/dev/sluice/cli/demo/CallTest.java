package dev.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CallTest {
  @ParameterizedTest
  @CsvSource({
    "GET,    /api/v1/namespaces/ns/pods,                      '',            list,   pods",
    "GET,    /api/v1/namespaces/ns/pods,                      watch=true,    watch,  pods",
    "GET,    /apis/g/v1/namespaces/ns/gauges,                 'limit=5&watch=1', watch, gauges",
    "GET,    /apis/g/v1/namespaces/ns/gauges/a,               watch=true,    get,    gauges",
    "GET,    /apis/g/v1/gauges,                               watch=false,   list,   gauges",
    "POST,   /apis/g/v1/namespaces/ns/gauges,                 '',            create, gauges",
    "PUT,    /apis/g/v1/namespaces/ns/gauges/a/status,        '',            update, gauges/status",
    "PATCH,  /apis/g/v1/namespaces/ns/gauges/a/status,        force=true,    patch,  gauges/status",
    "DELETE, /apis/g/v1/namespaces/ns/gauges/a,               '',            delete, gauges",
    "DELETE, /api/v1/namespaces/ns,                           '',            delete, namespaces",
    "GET,    /api/v1/namespaces/ns/status,                    '',            get,   "
        + " namespaces/status",
    "GET,    /version,                                        '',            get,    /version",
    "GET,    /,                                               '',            get,    /",
    "GET,    /apis,                                           '',            get,    /apis",
  })
  void namesWhatARequestIs(String method, String path, String query, String verb, String resource) {
    assertThat(Call.of(1, method, path, query, false))
        .isEqualTo(new Call(1, verb, resource, false));
  }

  @Test
  void aLogCountsWritesAndTheirPeakApartFromReads() {
    CallLog log = new CallLog();
    for (int i = 0; i < 10; i++) {
      log.add(new Call(i * 100_000_000L, i % 2 == 0 ? "patch" : "list", "gauges", i == 4));
    }

    assertThat(log.writes()).isEqualTo(5);
    assertThat(log.peak(Call::isWrite, Duration.ofMillis(500))).isEqualTo(3);
    assertThat(log.count(400_000_000L, Call::throttled)).isEqualTo(1);
    assertThat(log.byVerbAndResource())
        .containsEntry("patch gauges", 5L)
        .containsEntry("list gauges", 5L);
  }
}
