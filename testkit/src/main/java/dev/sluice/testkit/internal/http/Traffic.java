package dev.sluice.testkit.internal.http;

import dev.sluice.testkit.Fault;
import dev.sluice.testkit.SeenRequest;
import java.util.List;

/** Who is told of requests, and says which faults meet them. Safe for any thread. */
public interface Traffic {

  /** A fault that meets a request, and whether it is still in place. */
  interface Strike {
    Fault fault();

    boolean removed();
  }

  /** A request has arrived. Gives the faults that meet it. */
  List<? extends Strike> arrived(SeenRequest request);
}
