/**
 * What an API server does with a request once it has been read: kinds, rules, patches, lists.
 *
 * <p>A request comes in as an {@link dev.sluice.testkit.internal.api.ApiRequest} and goes out as an
 * {@link dev.sluice.testkit.internal.api.Reply}; {@link dev.sluice.testkit.internal.api.ApiService}
 * is the door. The {@link dev.sluice.testkit.internal.api.Catalog} knows which resources are
 * served: the built-in ones ({@link dev.sluice.testkit.internal.api.Builtins}) and those that a
 * CustomResourceDefinition brought ({@link dev.sluice.testkit.internal.api.Definitions}). {@link
 * dev.sluice.testkit.internal.api.Registry} creates, updates and deletes objects in the order of
 * steps that the real server takes: decode, default, prepare, validate, store. What it refuses, it
 * refuses with the {@link dev.sluice.testkit.internal.api.StatusException} that the real one would
 * give.
 *
 * <p>Nothing here knows of sockets; nothing here is shared with the client side of Sluice.
 */
@NullMarked
package dev.sluice.testkit.internal.api;

import org.jspecify.annotations.NullMarked;
