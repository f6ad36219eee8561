package dev.sluice.contract;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The suite on the released kube-apiserver and etcd: what they do is the truth. */
@Tag("real")
class RealContractTest extends ContractSuite {
  @RegisterExtension static final Contract CONTRACT = Contract.truth(RealTarget::start);
}
