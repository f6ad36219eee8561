package dev.sluice.contract;

import dev.sluice.contract.cases.ListCases;
import dev.sluice.contract.cases.WatchCases;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.parallel.ResourceAccessMode;
import org.junit.jupiter.api.parallel.ResourceLock;

/**
 * All cases. A subclass registers a {@link Contract} for its server:
 *
 * <pre>{@code
 * class RealContractTest extends ContractSuite {
 *   @RegisterExtension static final Contract CONTRACT = Contract.truth(RealTarget::start);
 * }
 * }</pre>
 *
 * <p>The chapters run side by side, except the one that restarts the server.
 */
public abstract class ContractSuite {
  static final String SERVER = "server";

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Lists extends ListCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Watches extends WatchCases {}
}
