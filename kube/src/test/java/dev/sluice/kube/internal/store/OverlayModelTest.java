package dev.sluice.kube.internal.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.flow.VirtualTime;
import dev.sluice.kube.Index;
import dev.sluice.kube.ObjectKey;
import dev.sluice.kube.Projection;
import dev.sluice.kube.internal.json.MalformedJsonException;
import dev.sluice.kube.internal.json.ObjectScanner;
import dev.sluice.modeltest.Gen;
import dev.sluice.modeltest.ModelTest;
import dev.sluice.modeltest.Step;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A server, a stream that is behind it, and writers whose answers come when they come: what is
 * shown is never older than what a writer was told, and in the end just what the server has.
 */
class OverlayModelTest {
  private static final Index VALUE = Index.byField("spec");

  /** A state of an object, or its end. */
  private record Event(String name, int uid, int at, boolean gone) {}

  private record Answer(Event event, ObjectStore.Write write) {}

  private static final class World {
    final boolean opaque;
    final VirtualTime time = new VirtualTime();
    final ObjectStore store;
    final ObjectScanner scanner = new ObjectScanner();
    final Map<String, Event> server = new TreeMap<>();
    final List<Event> events = new ArrayList<>();
    final List<Answer> answers = new ArrayList<>();
    final Map<String, Integer> answered = new HashMap<>();
    final Map<String, Integer> delivered = new HashMap<>();
    int now = 100;
    int uids;
    int streamed;
    @Nullable List<Event> listing;
    int listingAt;

    World(boolean opaque) {
      this.opaque = opaque;
      this.store =
          new ObjectStore(
              new StoreOptions(
                  "things", true, "", Projection.WHOLE, List.of(VALUE), Duration.ZERO, null, time));
    }

    /** Opaque versions neither grow nor shrink. */
    String version(int at) {
      return opaque ? "v" + Integer.toHexString(at * 0x9e3779b1) : Integer.toString(at);
    }

    String json(Event event) {
      return "{\"kind\":\"Thing\",\"apiVersion\":\"v1\",\"metadata\":{\"namespace\":\"ns\",\"name\":\""
          + event.name
          + "\",\"uid\":\"u"
          + event.uid
          + "\",\"resourceVersion\":\""
          + version(event.at)
          + "\"},\"spec\":\""
          + event.at
          + "\"}";
    }

    Event happens(String name, boolean gone) {
      Event before = server.get(name);
      Event event = new Event(name, before == null ? ++uids : before.uid, ++now, gone);
      events.add(event);
      if (gone) {
        server.remove(name);
      } else {
        server.put(name, event);
      }
      return event;
    }

    void scan(Event event) {
      byte[] bytes = json(event).getBytes(StandardCharsets.UTF_8);
      try {
        scanner.scanObject(bytes, 0, bytes.length);
      } catch (MalformedJsonException e) {
        throw new AssertionError(e);
      }
    }

    void deliver() {
      if (listing != null || streamed >= events.size()) {
        return;
      }
      Event event = events.get(streamed++);
      if (event.gone) {
        store.remove(key(event.name), version(event.at));
      } else {
        scan(event);
        store.put(scanner);
      }
      delivered.merge(event.name, event.at, Math::max);
    }

    /** The stream has missed what there was, and lists. */
    void beginList() {
      if (listing == null) {
        listing = new ArrayList<>(server.values());
        listingAt = now;
        streamed = events.size();
        store.beginList(false);
      }
    }

    void listOn() {
      if (listing == null) {
        return;
      }
      if (!listing.isEmpty()) {
        Event event = listing.remove(0);
        scan(event);
        store.putListed(scanner);
        return;
      }
      listing = null;
      for (Entry missing : store.missing()) {
        store.removeMissing(missing, version(listingAt));
      }
      store.reached(version(listingAt));
    }

    boolean isBeingWritten(String name) {
      return answers.stream().anyMatch(answer -> answer.event.name.equals(name));
    }

    void answer(int which) {
      if (answers.isEmpty()) {
        return;
      }
      Answer answer = answers.remove(which % answers.size());
      if (answer.event.gone) {
        answer.write.deleted(key(answer.event.name), "u" + answer.event.uid);
      } else {
        answer.write.wrote(json(answer.event).getBytes(StandardCharsets.UTF_8));
      }
      answer.write.close();
      answered.merge(answer.event.name, answer.event.at, Math::max);
    }

    void resolveDoubts() {
      for (ObjectStore.Doubt doubt : store.doubts()) {
        Event event = server.get(doubt.key().name());
        store.decide(doubt, event == null ? null : json(event).getBytes(StandardCharsets.UTF_8));
      }
    }

    static ObjectKey key(String name) {
      return ObjectKey.of("ns", name);
    }

    /** When the shown state is from; of what is shown as gone, the latest at which that was so. */
    int shownAt(String name) {
      Entry entry = store.shown(key(name));
      if (entry != null) {
        return Integer.parseInt(
            new String(entry.json(), StandardCharsets.UTF_8)
                .replaceAll(".*\"spec\":\"(\\d+).*", "$1"));
      }
      for (int i = events.size() - 1; i >= 0; i--) {
        if (events.get(i).name.equals(name) && events.get(i).gone) {
          return events.get(i).at;
        }
      }
      return 0;
    }

    void check() {
      for (Map.Entry<String, Integer> told : answered.entrySet()) {
        assertThat(shownAt(told.getKey()))
            .as(
                "what is shown of %s, which a writer was told at %s",
                told.getKey(), told.getValue())
            .isGreaterThanOrEqualTo(told.getValue());
      }
      if (!opaque) {
        delivered.forEach((name, at) -> {
          // What was deleted may hide what came after it, if a list kept its end from us.
          if (store.shown(key(name)) != null) {
            assertThat(shownAt(name)).as("delivered %s", name).isGreaterThanOrEqualTo(at);
          }
        });
      }
      ObjectStore.View all = store.shown();
      for (String name : List.of("a", "b", "c")) {
        Entry one = store.shown(key(name));
        assertThat(Optional.ofNullable(all.entries().get(key(name))).map(Entry::resourceVersion))
            .isEqualTo(Optional.ofNullable(one).map(Entry::resourceVersion));
        if (one != null) {
          assertThat(all.indexes().contains(0, Integer.toString(shownAt(name)), key(name)))
              .as("the index knows what is shown of %s", name)
              .isTrue();
        }
      }
      List<String> values = new ArrayList<>();
      all.indexes().forEachValue(0, values::add);
      assertThat(values).as("the index has nothing else").hasSize(all.entries().size());
    }

    void settle() {
      while (!answers.isEmpty()) {
        answer(0);
      }
      while (listing != null) {
        listOn();
      }
      while (streamed < events.size()) {
        deliver();
      }
      time.advance(ObjectStore.PATIENCE);
      resolveDoubts();
      isAsTheServerHasIt();
      time.advance(Duration.ofMinutes(10));
      resolveDoubts();
      assertThat(store.laid()).as("nothing stays laid over").isZero();
      isAsTheServerHasIt();
    }

    private void isAsTheServerHasIt() {
      for (String name : List.of("a", "b", "c")) {
        Entry shown = store.shown(key(name));
        Event has = server.get(name);
        assertThat(shown == null ? "gone" : shown.resourceVersion())
            .isEqualTo(has == null ? "gone" : version(has.at));
      }
    }
  }

  /** Somebody else writes. */
  private record Foreign(String name, boolean gone) implements Step<World> {
    @Override
    public void run(World world) {
      if (!gone || world.server.containsKey(name)) {
        var unused = world.happens(name, gone);
      }
    }
  }

  /** A write reaches the server; its answer is on the way. */
  private record Write(String name, boolean gone) implements Step<World> {
    @Override
    public void run(World world) {
      if (world.isBeingWritten(name) || gone && !world.server.containsKey(name)) {
        return;
      }
      ObjectStore.Write write = world.store.write(false, false);
      world.answers.add(new Answer(world.happens(name, gone), write));
    }
  }

  private record Answered(int which) implements Step<World> {
    @Override
    public void run(World world) {
      world.answer(which);
    }
  }

  private record Delivered() implements Step<World> {
    @Override
    public void run(World world) {
      world.deliver();
    }
  }

  private record BeginList() implements Step<World> {
    @Override
    public void run(World world) {
      world.beginList();
    }
  }

  private record ListOn() implements Step<World> {
    @Override
    public void run(World world) {
      world.listOn();
    }
  }

  private record TimePasses() implements Step<World> {
    @Override
    public void run(World world) {
      world.time.advance(Duration.ofSeconds(11));
      world.resolveDoubts();
    }
  }

  private static String name(Gen gen) {
    return gen.oneOf("a", "b", "c");
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void showsNothingOlderThanWhatAWriterWasToldAndInTheEndWhatTheServerHas(boolean opaque) {
    ModelTest.<World>of("read your writes", seed -> new World(opaque))
        .step(3, gen -> new Foreign(name(gen), gen.chance(0.25)))
        .step(4, gen -> new Write(name(gen), gen.chance(0.25)))
        .step(4, gen -> new Answered(gen.between(0, 3)))
        .step(6, gen -> new Delivered())
        .step(1, gen -> new BeginList())
        .step(3, gen -> new ListOn())
        .step(1, gen -> new TimePasses())
        .invariant(World::check)
        .atEnd(World::settle)
        .histories(1500)
        .steps(1, 60)
        .check();
  }
}
