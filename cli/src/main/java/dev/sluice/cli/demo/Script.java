package dev.sluice.cli.demo;

import dev.sluice.testkit.Faults.History;
import java.util.ArrayList;
import java.util.List;

/** What happens, in which order. */
final class Script {
  private Script() {}

  /** On any API server. */
  static List<Incident> anywhere() {
    return List.of(
        new BurstIncident(),
        new SlowConsumerIncident(),
        new CutIncident(),
        new SilenceIncident(),
        new ThrottleIncident(),
        new KillIncident());
  }

  /** On one of the demo's own: the same, and what only a server can do. */
  static List<Incident> onOwnServer() {
    List<Incident> incidents = new ArrayList<>(anywhere());
    incidents.add(new CompactionIncident());
    incidents.add(new RestartIncident(History.KEPT));
    incidents.add(new RestartIncident(History.LOST));
    incidents.add(new ReplicaIncident());
    return incidents;
  }
}
