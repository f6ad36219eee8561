package dev.sluice.contract;

import dev.sluice.contract.cases.CustomKindCases;
import dev.sluice.contract.cases.DiscoveryCases;
import dev.sluice.contract.cases.EncodingCases;
import dev.sluice.contract.cases.HistoryCases;
import dev.sluice.contract.cases.KindCases;
import dev.sluice.contract.cases.ListCases;
import dev.sluice.contract.cases.ObjectCases;
import dev.sluice.contract.cases.PatchCases;
import dev.sluice.contract.cases.RequestCases;
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

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class ObjectLives extends ObjectCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Patches extends PatchCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Requests extends RequestCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Encodings extends EncodingCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Discovery extends DiscoveryCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class CustomKinds extends CustomKindCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ)
  class Kinds extends KindCases {}

  @Nested
  @ResourceLock(value = SERVER, mode = ResourceAccessMode.READ_WRITE)
  class History extends HistoryCases {}
}
