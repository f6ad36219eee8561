package dev.sluice.contract;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the real server does within an hour. */
@Tag("long")
class RealLongContractTest extends LongContractSuite {
  @RegisterExtension
  static final Contract CONTRACT = Contract.truth(() -> RealTarget.start("real-long"));
}
