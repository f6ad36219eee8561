/**
 * Which kinds a server has: read from its discovery documents, in two requests where it offers them
 * aggregated and one for each group and version where it does not. Behind {@link
 * dev.sluice.kube.Discovery}.
 */
@NullMarked
package dev.sluice.kube.internal.discovery;

import org.jspecify.annotations.NullMarked;
