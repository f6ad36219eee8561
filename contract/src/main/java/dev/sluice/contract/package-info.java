/**
 * What an API server promises, said in sentences and proved by cases that run unchanged on the
 * embedded server and on the released kube-apiserver.
 *
 * <p>A case is a test method in {@code dev.sluice.contract.cases} with a {@link
 * dev.sluice.contract.Proves} annotation that says the sentence. It is given an {@link
 * dev.sluice.contract.Api}, which speaks HTTP and JSON and nothing else: none of Sluice's own
 * client code takes part, so that client and server can't be wrong alike. {@link
 * dev.sluice.contract.ContractSuite} gathers the cases; a subclass names the {@link
 * dev.sluice.contract.Target}.
 *
 * <p>A case shows two things. Its assertions hold the sentence. And everything that the server
 * answered is kept in a transcript, with what differs from run to run masked; the transcript of the
 * real server is recorded, and the embedded server must give the same one, word for word. Where the
 * two differ, the embedded one is wrong, unless the case says with {@link
 * dev.sluice.contract.Deliberate} why it may be. {@link dev.sluice.contract.Report} makes the page
 * of it.
 */
@NullMarked
package dev.sluice.contract;

import org.jspecify.annotations.NullMarked;
