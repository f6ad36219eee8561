package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.CRDS;
import static dev.sluice.contract.Api.JSON;
import static dev.sluice.contract.Api.MERGE_PATCH;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.util.List;
import tools.jackson.databind.node.ObjectNode;

@Chapter(value = "Requests that cannot be served", order = 6)
public abstract class RequestCases {
  private static final String WIDGET =
      "\"apiVersion\":\"contract.sluice.dev/v1\",\"kind\":\"Widget\"";

  private static Answer raw(Api api, String path, String body) {
    api.note("body: " + (body.length() > 200 ? body.substring(0, 200) + "..." : body));
    return api.send("POST", path, body, "Content-Type", JSON);
  }

  // ---- bodies

  @Proves("Malformed JSON: 400 BadRequest.")
  void malformedBodies(Api api) {
    for (String body :
        List.of(
            "",
            "{",
            "{\"metadata\":{\"name\":\"a\"}",
            "{\"metadata\":{\"name\":\"a\",}}",
            "{metadata:{}}",
            "hello",
            "[]",
            "5",
            "\"text\"",
            "{\"metadata\":{\"name\":\"a\"}} trailing",
            "{\"metadata\":{\"name\":\"a\"}}{\"metadata\":{\"name\":\"b\"}}")) {
      assertThat(raw(api, CONFIG_MAPS, body).code()).isEqualTo(400);
    }
    assertThat(api.get(CONFIG_MAPS).names()).isEmpty();
  }

  @Proves("A body of null is an empty object of a built-in kind.")
  void nullBody(Api api) {
    raw(api, CONFIG_MAPS, "null").expect(422, "Invalid");
  }

  @Proves("Malformed JSON for a custom resource: 400 BadRequest.")
  void malformedCustomBodies(Api api) {
    for (String body :
        List.of(
            "",
            "{",
            "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"}",
            "hello",
            "null",
            "[]",
            "{}")) {
      assertThat(raw(api, WIDGETS, body).code()).isBetween(400, 422);
    }
    assertThat(api.get(WIDGETS).names()).isEmpty();
  }

  @Proves("A value of the wrong type in a built-in kind: 400 BadRequest that names the Go field.")
  void wrongTypes(Api api) {
    for (String body :
        List.of(
            "{\"metadata\":{\"name\":\"a\"},\"data\":5}",
            "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":5}}",
            "{\"metadata\":{\"name\":5}}",
            "{\"metadata\":[]}",
            "{\"metadata\":{\"name\":\"a\",\"labels\":{\"a\":true}}}",
            "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":\"yesterday\"}}",
            "{\"metadata\":{\"name\":\"a\",\"generation\":\"1\"}}",
            "{\"metadata\":{\"name\":\"a\"},\"binaryData\":{\"k\":\"no base64!\"}}")) {
      raw(api, CONFIG_MAPS, body).expect(400, "BadRequest");
    }
    raw(api, PODS, "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":{}}}")
        .expect(400, "BadRequest");
    raw(
            api,
            PODS,
            "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"ports\":[{\"containerPort\":\"80\"}]}]}}")
        .expect(400, "BadRequest");
    raw(
            api,
            PODS,
            "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[{\"name\":\"c\",\"image\":\"i\",\"resources\":{\"limits\":{\"cpu\":\"lots\"}}}]}}")
        .expect(400, "BadRequest");
  }

  @Proves(
      "A value of the wrong type in a custom resource: 422 from its schema, 400 in its metadata.")
  void wrongCustomTypes(Api api) {
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"size\":\"big\"}}")
        .expect(422, "Invalid");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"},\"spec\":[]}")
        .expect(422, "Invalid");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":5}}");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":\"a\",\"labels\":{\"a\":5}}}");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":\"a\"}");
    assertThat(api.get(WIDGETS).names()).isEmpty();
  }

  @Proves("Wrong kind in the body: 400 for built-in kinds, 422 for custom resources.")
  void wrongKind(Api api) {
    raw(
            api,
            CONFIG_MAPS,
            "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}")
        .expect(400, "BadRequest");
    raw(
            api,
            CONFIG_MAPS,
            "{\"kind\":\"Nonsense\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}")
        .expect(400, "BadRequest");
    raw(
            api,
            WIDGETS,
            "{\"apiVersion\":\"contract.sluice.dev/v1\",\"kind\":\"Gadget\",\"metadata\":{\"name\":\"a\"}}")
        .expect(422, "Invalid");
  }

  @Proves("Wrong apiVersion in the body: 400.")
  void wrongApiVersion(Api api) {
    raw(
            api,
            CONFIG_MAPS,
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":\"a\"}}")
        .expect(400, "BadRequest");
    raw(
            api,
            CONFIG_MAPS,
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"a/b/c\",\"metadata\":{\"name\":\"a\"}}")
        .expect(400, "BadRequest");
    raw(
        api,
        WIDGETS,
        "{\"apiVersion\":\"contract.sluice.dev/v2\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"}}");
  }

  @Proves(
      "Neither kind nor apiVersion in the body: taken as the path's kind for built-in ones, refused"
          + " for custom resources.")
  void noKind(Api api) {
    raw(api, CONFIG_MAPS, "{\"metadata\":{\"name\":\"a\"}}").expect(201);
    assertThat(raw(api, WIDGETS, "{\"metadata\":{\"name\":\"a\"}}").code()).isEqualTo(400);
    assertThat(raw(api, WIDGETS, "{\"kind\":\"Widget\",\"metadata\":{\"name\":\"a\"}}").code())
        .isEqualTo(400);
  }

  @Proves(
      "What Go's decoder does not take for JSON is refused, what it takes is taken: byte order"
          + " marks, control characters, odd escapes and numbers, comments.")
  void almostJson(Api api) {
    for (String data :
        List.of(
            "\"\\x41\"",
            "\"\\u12\"",
            "\"a\nb\"",
            "\"a\tb\"",
            "'single'",
            "NaN",
            "01",
            "+1",
            ".5",
            "1.",
            "-",
            "1e",
            "tru",
            "nulll",
            "/* none */ \"x\"",
            "\"x\",")) {
      assertThat(raw(api, CONFIG_MAPS, "{\"data\":{\"k\":" + data + "}}").code()).isEqualTo(400);
    }
    raw(api, CONFIG_MAPS, "\ufeff{\"metadata\":{\"name\":\"a\"}}").expect(400, "BadRequest");
    raw(api, WIDGETS, "\ufeff{" + WIDGET + ",\"metadata\":{\"name\":\"a\"}}")
        .expect(400, "BadRequest");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"size\":01}}")
        .expect(400, "BadRequest");
    raw(
            api,
            CONFIG_MAPS,
            " \r\n"
                + "\t{ \"metadata\" : {\"name\" : \"\\u0061\"}, \"data\": {\"k\": \"\\ud83d\\ude00"
                + " \\/\"} } \n")
        .expect(201);
    assertThat(api.get(CONFIG_MAPS + "/a").text("/data/k")).isEqualTo("\ud83d\ude00 /");
  }

  @Proves(
      "Numbers in a custom resource: what is no integer of 64 bits becomes a float, or is refused.")
  void oddNumbers(Api api) {
    int index = 0;
    for (String size : List.of("1.0", "1e1", "1.5", "-0", "9223372036854775808", "1e400")) {
      Answer answer =
          raw(
              api,
              WIDGETS,
              "{"
                  + WIDGET
                  + ",\"metadata\":{\"name\":\"a"
                  + index++
                  + "\"},\"spec\":{\"size\":"
                  + size
                  + "}}");
      if (answer.code() == 201) {
        api.show("size", answer.at("/spec/size"));
      }
    }
  }

  @Proves(
      "Invalid UTF-8 and lone surrogates in JSON become the replacement character U+FFFD; in YAML"
          + " they are refused.")
  void invalidUtf8(Api api) {
    Answer builtIn =
        bytes(
            api,
            CONFIG_MAPS,
            JSON,
            "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"x\u00ffy\"}}");
    api.show("data", builtIn.expect(201).at("/data"));
    Answer custom =
        bytes(
            api,
            WIDGETS,
            JSON,
            "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"note\":\"x\u00c3(y\"}}");
    api.show("spec", custom.expect(201).at("/spec"));
    api.show(
        "data",
        raw(
                api,
                CONFIG_MAPS,
                "{\"metadata\":{\"name\":\"b\"},\"data\":{\"k\":\"x\\ud800y \\udc00\\ud800\"}}")
            .expect(201)
            .at("/data"));
    bytes(api, CONFIG_MAPS, "application/yaml", "metadata: {name: c}\ndata: {k: 'x\u00ffy'}\n")
        .expect(400, "BadRequest");
  }

  // Each char is one byte.
  private static Answer bytes(Api api, String path, String type, String body) {
    return api.send(
        api.target().client(),
        "POST",
        path,
        body.getBytes(StandardCharsets.ISO_8859_1),
        "Content-Type",
        type);
  }

  @Proves("Nesting is no harm in itself; more than 10,000 levels: 400.")
  void deepNesting(Api api) {
    int depth = 300;
    String deep = "[".repeat(depth) + "]".repeat(depth);
    Answer custom =
        api.send(
                "POST",
                WIDGETS,
                "{"
                    + WIDGET
                    + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"free\":{\"x\":"
                    + deep
                    + "}}}",
                "Content-Type",
                JSON)
            .expect(201);
    assertThat(custom.at("/spec/free/x").toString()).isEqualTo(deep);
    api.send(
            "POST",
            CONFIG_MAPS,
            "{\"metadata\":{\"name\":\"a\"},\"extra\":" + deep + "}",
            "Content-Type",
            JSON)
        .expect(201);
    for (String open : List.of("[", "{\"x\":")) {
      String tooDeep = open.repeat(10_001);
      assertThat(
              api.send(
                      "POST",
                      WIDGETS,
                      "{"
                          + WIDGET
                          + ",\"metadata\":{\"name\":\"b\"},\"spec\":{\"free\":{\"x\":"
                          + tooDeep,
                      "Content-Type",
                      JSON)
                  .code())
          .isEqualTo(400);
    }
    assertThat(api.get(WIDGETS).names()).containsExactly("a");
  }

  @Proves("A YAML body that explodes by its aliases is refused: 400.")
  void yamlThatExplodes(Api api) {
    StringBuilder yaml = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for (int i = 1; i < 9; i++) {
      String before = "*a" + (i - 1);
      yaml.append("a" + i + ": &a" + i + " [" + (before + ", ").repeat(9) + before + "]\n");
    }
    assertThat(
            api.send(
                    "POST",
                    WIDGETS,
                    "apiVersion: contract.sluice.dev/v1\nkind: Widget\nmetadata: {name: a}\n"
                        + yaml,
                    "Content-Type",
                    "application/yaml")
                .code())
        .isEqualTo(400);
  }

  @Proves("PUT and PATCH with an empty or foreign body: 400, or 422 for a custom resource's kind.")
  void foreignBodiesOfUpdates(Api api) {
    api.configMap("a");
    api.widget("w");
    for (String body :
        List.of(
            "",
            "{}",
            "null",
            "[]",
            "{\"metadata\":null}",
            "{\"kind\":\"Secret\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}",
            "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v2\",\"metadata\":{\"name\":\"a\"}}",
            "{\"metadata\":{\"name\":\"a\",\"namespace\":\"elsewhere\"}}")) {
      api.note("body: " + body);
      assertThat(api.send("PUT", CONFIG_MAPS + "/a", body, "Content-Type", JSON).code())
          .isEqualTo(400);
    }
    for (String body :
        List.of(
            "",
            "{}",
            "null",
            "{" + WIDGET + "}",
            "{\"apiVersion\":\"contract.sluice.dev/v1\",\"kind\":\"Gadget\",\"metadata\":{\"name\":\"w\"}}",
            "{\"apiVersion\":\"contract.sluice.dev/v2\",\"kind\":\"Widget\",\"metadata\":{\"name\":\"w\"}}",
            "{" + WIDGET + ",\"metadata\":{\"name\":\"w\",\"namespace\":\"elsewhere\"}}")) {
      api.note("body: " + body);
      assertThat(api.send("PUT", WIDGETS + "/w", body, "Content-Type", JSON).code())
          .isBetween(400, 422);
    }
    for (String patch :
        List.of(
            "{kind: 'Secret'}",
            "{kind: 'Secret', data: null}",
            "{kind: 'Nonsense'}",
            "{apiVersion: 'v2'}",
            "{kind: null}",
            "{apiVersion: null}",
            "{kind: null, apiVersion: null}",
            "{metadata: {namespace: 'elsewhere'}}",
            "{metadata: null}")) {
      api.note("patch: " + patch);
      api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", patch);
    }
    assertThat(api.get(CONFIG_MAPS + "/a").text("/data/k")).isEqualTo("v");
    for (String patch :
        List.of(
            "{kind: 'Gadget'}",
            "{apiVersion: 'contract.sluice.dev/v2'}",
            "{metadata: {namespace: 'elsewhere'}}",
            "{metadata: null}",
            "{spec: null}")) {
      api.note("patch: " + patch);
      api.patch(MERGE_PATCH, WIDGETS + "/w", patch);
    }
  }

  @Proves("A body without metadata: 422 for want of a name.")
  void withoutMetadata(Api api) {
    raw(api, CONFIG_MAPS, "{}").expect(422, "Invalid");
    raw(api, CONFIG_MAPS, "{\"metadata\":null}").expect(422, "Invalid");
    raw(api, WIDGETS, "{" + WIDGET + "}").expect(422, "Invalid");
    raw(api, WIDGETS, "{" + WIDGET + ",\"metadata\":null}").expect(422, "Invalid");
  }

  // ---- unknown and duplicate fields

  @Proves("Unknown fields under fieldValidation=Strict: 400 that names each.")
  void unknownFieldsStrict(Api api) {
    Answer answer =
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'a', colour: 'red'}, data: {k: 'v'}, extra: 1}",
                "fieldValidation=Strict")
            .expect(400, "BadRequest");
    assertThat(answer.message())
        .contains("unknown field \"extra\"", "unknown field \"metadata.colour\"");
    api.post(
            PODS,
            "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i', colour: 'red'}]}}",
            "fieldValidation=Strict")
        .expect(400, "BadRequest");
    assertThat(api.get(CONFIG_MAPS).names()).isEmpty();
  }

  @Proves("Unknown fields of a custom resource under Strict: 400 that names each with its path.")
  void unknownCustomFieldsStrict(Api api) {
    Answer answer =
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a',"
                    + " colour: 'red'}, spec: {size: 1, weight: 2}, extra: {}}",
                "fieldValidation=Strict")
            .expect(400, "BadRequest");
    assertThat(answer.message()).contains("unknown field \"spec.weight\"");
  }

  @Proves("By default unknown fields are dropped, and a Warning header names each.")
  void unknownFieldsWarn(Api api) {
    Answer answer =
        api.post(CONFIG_MAPS, "{metadata: {name: 'a', colour: 'red'}, extra: 1}").expect(201);
    assertThat(answer.headers().allValues("Warning")).hasSize(2);
    assertThat(answer.json().has("extra")).isFalse();
    Answer custom =
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a'},"
                    + " spec: {size: 1, weight: 2}}")
            .expect(201);
    assertThat(custom.headers().allValues("Warning")).hasSize(1);
    assertThat(custom.at("/spec").has("weight")).isFalse();
  }

  @Proves("Under fieldValidation=Ignore they are dropped without a word.")
  void unknownFieldsIgnore(Api api) {
    Answer answer =
        api.post(CONFIG_MAPS, "{metadata: {name: 'a'}, extra: 1}", "fieldValidation=Ignore")
            .expect(201);
    assertThat(answer.headers().allValues("Warning")).isEmpty();
    assertThat(answer.json().has("extra")).isFalse();
  }

  @Proves("Another fieldValidation: 422.")
  void unknownFieldValidation(Api api) {
    api.post(CONFIG_MAPS, "{metadata: {name: 'a'}}", "fieldValidation=Perhaps")
        .expect(422, "Invalid");
  }

  @Proves("Duplicate fields: the last one wins with a warning, 400 under Strict.")
  void duplicateFields(Api api) {
    String body = "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"1\"},\"data\":{\"k\":\"2\"}}";
    api.send("POST", CONFIG_MAPS + "?fieldValidation=Strict", body, "Content-Type", JSON)
        .expect(400, "BadRequest");
    assertThat(
            api.send("POST", CONFIG_MAPS, body, "Content-Type", JSON).expect(201).text("/data/k"))
        .isEqualTo("2");
    String custom =
        "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"size\":1,\"size\":2}}";
    api.send("POST", WIDGETS + "?fieldValidation=Strict", custom, "Content-Type", JSON)
        .expect(400, "BadRequest");
    assertThat(
            api.send("POST", WIDGETS, custom, "Content-Type", JSON)
                .expect(201)
                .at("/spec/size")
                .asInt(0))
        .isEqualTo(2);
  }

  @Proves("Field names are matched with their case: another spelling is an unknown field.")
  void caseMatters(Api api) {
    Answer answer =
        api.send(
                "POST",
                CONFIG_MAPS,
                "{\"metadata\":{\"name\":\"a\"},\"Data\":{\"k\":\"1\"}}",
                "Content-Type",
                JSON)
            .expect(201);
    assertThat(answer.json().has("data")).isFalse();
  }

  @Proves("Unknown fields in a patch, under Strict: 422 or 400.")
  void unknownFieldsInAPatch(Api api) {
    api.configMap("a");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{extra: 1}", "fieldValidation=Strict");
    api.patch(Api.STRATEGIC_PATCH, CONFIG_MAPS + "/a", "{extra: 1}", "fieldValidation=Strict");
    api.patch(
        Api.JSON_PATCH,
        CONFIG_MAPS + "/a",
        "[{op: 'add', path: '/extra', value: 1}]",
        "fieldValidation=Strict");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{extra: 1}").expect(200);
    api.widget("w");
    api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {weight: 1}}", "fieldValidation=Strict");
    api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {weight: 1}}").expect(200);
  }

  // ---- sizes

  @Proves("A body above 3 MiB: 413.")
  void bodyAboveThreeMebibytes(Api api) {
    String body =
        "{\"metadata\":{\"name\":\"a\"},\"data\":{\"k\":\"" + "x".repeat(3 * 1024 * 1024) + "\"}}";
    api.send("POST", CONFIG_MAPS, body, "Content-Type", JSON).expect(413, "RequestEntityTooLarge");
    api.configMap("b");
    api.send("PUT", CONFIG_MAPS + "/b", body, "Content-Type", JSON)
        .expect(413, "RequestEntityTooLarge");
    api.send("PATCH", CONFIG_MAPS + "/b", body, "Content-Type", MERGE_PATCH)
        .expect(413, "RequestEntityTooLarge");
  }

  @Proves("A ConfigMap above 1 MiB: 422 with cause field [].")
  void configMapAboveOneMebibyte(Api api) {
    Answer answer =
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'a'}, data: {k: '" + "x".repeat(1024 * 1024) + "', l: 'y'}}")
            .expect(422, "Invalid");
    assertThat(answer.causes()).containsExactly("FieldValueTooLong []");
    api.quietly(() ->
        api.post(
                CONFIG_MAPS,
                "{metadata: {name: 'b'}, data: {k: '" + "x".repeat(1024 * 1024) + "'}}")
            .expect(201));
  }

  @Proves("A custom resource above etcd's limit: 500 \"etcdserver: request is too large\".")
  void customResourceAboveEtcdsLimit(Api api) {
    Answer answer =
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'a'},"
                    + " spec: {note: '"
                    + "x".repeat(1_600_000)
                    + "'}}")
            .expect(500);
    assertThat(answer.message()).isEqualTo("etcdserver: request is too large");
    api.quietly(() ->
        api.post(
                WIDGETS,
                "{apiVersion: 'contract.sluice.dev/v1', kind: 'Widget', metadata: {name: 'b'},"
                    + " spec: {note: '"
                    + "x".repeat(1_400_000)
                    + "'}}")
            .expect(201));
  }

  @Proves(
      "An update or a patch that makes an object too large is refused as its creation would be.")
  void objectsThatGrowTooLarge(Api api) {
    api.configMap("a");
    api.patch(MERGE_PATCH, CONFIG_MAPS + "/a", "{data: {l: '" + "x".repeat(1024 * 1024) + "'}}")
        .expect(422, "Invalid");
    api.widget("w");
    String note = "x".repeat(1_600_000);
    api.patch(MERGE_PATCH, WIDGETS + "/w", "{spec: {note: '" + note + "'}}").expect(500);
    Answer widget = api.get(WIDGETS + "/w").expect(200);
    ObjectNode changed = (ObjectNode) widget.json();
    ((ObjectNode) changed.get("spec")).put("note", note);
    api.put(WIDGETS + "/w", changed).expect(500);
    assertThat(api.get(WIDGETS + "/w").version()).isEqualTo(widget.version());
  }

  @Proves("A body above 3 MiB for a custom resource: 413 as well.")
  void customBodyAboveThreeMebibytes(Api api) {
    String body =
        "{"
            + WIDGET
            + ",\"metadata\":{\"name\":\"a\"},\"spec\":{\"note\":\""
            + "x".repeat(3 * 1024 * 1024)
            + "\"}}";
    api.send("POST", WIDGETS, body, "Content-Type", JSON).expect(413, "RequestEntityTooLarge");
    api.widget("w");
    api.send("PUT", WIDGETS + "/w", body, "Content-Type", JSON)
        .expect(413, "RequestEntityTooLarge");
    api.send("PATCH", WIDGETS + "/w", body, "Content-Type", MERGE_PATCH)
        .expect(413, "RequestEntityTooLarge");
  }

  // ---- content types

  @Proves("Wrong content type: 415 that lists the right ones.")
  void wrongContentTypes(Api api) {
    for (String type :
        List.of("text/plain", "application/xml", "multipart/form-data; boundary=x", "nonsense")) {
      api.send("POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"a\"}}", "Content-Type", type)
          .expect(415, "UnsupportedMediaType");
      api.send("POST", WIDGETS, "{}", "Content-Type", type).expect(415, "UnsupportedMediaType");
    }
    assertThat(api.get(CONFIG_MAPS).names()).isEmpty();
  }

  @Proves("Without a content type the body is read as JSON.")
  void noContentType(Api api) {
    api.send("POST", CONFIG_MAPS, "{\"metadata\":{\"name\":\"a\"}}").expect(201);
    api.send("POST", WIDGETS, "{" + WIDGET + ",\"metadata\":{\"name\":\"a\"}}").expect(201);
  }

  @Proves("A charset behind the content type is no harm.")
  void contentTypeWithACharset(Api api) {
    api.send(
            "POST",
            CONFIG_MAPS,
            "{\"metadata\":{\"name\":\"a\"}}",
            "Content-Type",
            "application/json;charset=UTF-8")
        .expect(201);
  }

  @Proves("Bodies may be YAML, for built-in and custom kinds.")
  void yamlBodies(Api api) {
    api.send(
            "POST",
            CONFIG_MAPS,
            "apiVersion: v1\n"
                + "kind: ConfigMap\n"
                + "metadata:\n"
                + "  name: a\n"
                + "data:\n"
                + "  k: |\n"
                + "    one\n"
                + "    two\n",
            "Content-Type",
            "application/yaml")
        .expect(201);
    assertThat(api.get(CONFIG_MAPS + "/a").text("/data/k")).isEqualTo("one\ntwo\n");
    api.send(
            "POST",
            WIDGETS,
            "apiVersion: contract.sluice.dev/v1\n"
                + "kind: Widget\n"
                + "metadata: {name: a}\n"
                + "spec: {size: 3}\n",
            "Content-Type",
            "application/yaml")
        .expect(201);
    api.send("POST", CONFIG_MAPS, "a: [", "Content-Type", "application/yaml")
        .expect(400, "BadRequest");
  }

  @Proves("CBOR is refused by default.")
  void cbor(Api api) {
    api.send("POST", WIDGETS, "x", "Content-Type", "application/cbor")
        .expect(415, "UnsupportedMediaType");
    api.getAs("application/cbor", WIDGETS).expect(406, "NotAcceptable");
  }

  @Proves(
      "Accept: application/*: 406 for built-in kinds, for which only */* is a wildcard; custom"
          + " resources are answered.")
  void acceptWildcards(Api api) {
    api.getAs("application/*", CONFIG_MAPS).expect(406, "NotAcceptable");
    api.getAs("*/*", CONFIG_MAPS).expect(200);
    api.getAs("application/*", WIDGETS).expect(200);
  }

  @Proves("An Accept that cannot be served: 406 that lists what can; one of several is enough.")
  void notAcceptable(Api api) {
    api.getAs("text/html", CONFIG_MAPS).expect(406, "NotAcceptable");
    api.getAs("text/html, application/json", CONFIG_MAPS).expect(200);
    api.getAs("application/json;q=0.5, text/html;q=0.9", CONFIG_MAPS).expect(200);
    api.getAs("application/json;as=Nonsense;g=meta.k8s.io;v=v1", CONFIG_MAPS)
        .expect(406, "NotAcceptable");
    api.send("GET", CONFIG_MAPS, null, "Accept", "").expect(200);
  }

  @Proves("A 406 for a custom resource asked for in protobuf is itself a protobuf Status.")
  void protobufRefusal(Api api) {
    Answer answer = api.getAs("application/vnd.kubernetes.protobuf", WIDGETS).expect(406);
    assertThat(answer.contentType()).isEqualTo("application/vnd.kubernetes.protobuf");
    assertThat(new String(answer.body(), 0, 4, StandardCharsets.ISO_8859_1)).isEqualTo("k8s\0");
  }

  @Proves("A client that lists JSON after protobuf gets JSON of a custom resource.")
  void protobufOrJson(Api api) {
    Answer answer =
        api.getAs("application/vnd.kubernetes.protobuf,application/json", WIDGETS).expect(200);
    assertThat(answer.contentType()).isEqualTo(JSON);
  }

  @Proves("Answers may be YAML.")
  void yamlAnswers(Api api) {
    api.configMap("a");
    Answer answer = api.getAs("application/yaml", CONFIG_MAPS + "/a").expect(200);
    assertThat(answer.contentType()).isEqualTo("application/yaml");
    assertThat(answer.text()).startsWith("apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\n");
    api.widget("w");
    assertThat(api.getAs("application/yaml", WIDGETS + "/w").expect(200).text())
        .startsWith("apiVersion: contract.sluice.dev/v1\nkind: Widget\n");
  }

  // ---- paths and methods

  @Proves("Unknown group: plain-text \"404 page not found\".")
  void unknownGroup(Api api) {
    Answer answer = api.get("/apis/there.is.none/v1/widgets").expect(404);
    assertThat(answer.contentType()).startsWith("text/plain");
    assertThat(answer.text()).isEqualTo("404 page not found\n");
    api.get("/apis/there.is.none").expect(404);
  }

  @Proves("Unknown version or resource of a known group: JSON Status 404 for built-in groups.")
  void unknownResource(Api api) {
    api.get("/api/v1/nonsense").expect(404, "NotFound");
    api.get("/api/v1/namespaces/{ns}/nonsense").expect(404, "NotFound");
    api.get("/apis/apps/v1/nonsense").expect(404, "NotFound");
    api.get("/apis/apps/v7/deployments");
    api.get("/api/v2/pods");
  }

  @Proves("Unknown version or resource of a custom group: 404.")
  void unknownCustomResource(Api api) {
    api.get("/apis/contract.sluice.dev/v1/nonsense").expect(404);
    api.get("/apis/contract.sluice.dev/v7/widgets").expect(404);
    api.get("/apis/contract.sluice.dev/v1/namespaces/{ns}/nonsense").expect(404);
  }

  @Proves("Unknown paths: 404.")
  void unknownPaths(Api api) {
    for (String path :
        List.of(
            "/nonsense",
            "/api/v1/",
            "/api/v1/namespaces/{ns}/pods/",
            "/apis/apps/v1/namespaces/{ns}/deployments/a/b/c")) {
      api.get(path);
    }
    api.get("/nonsense").expect(404);
  }

  @Proves("Unknown subresources: 404.")
  void unknownSubresources(Api api) {
    api.configMap("a");
    api.get(CONFIG_MAPS + "/a/status").expect(404);
    api.get(CONFIG_MAPS + "/a/nonsense").expect(404);
    api.widget("w");
    api.get(WIDGETS + "/w/scale").expect(404);
    api.get(WIDGETS + "/w/nonsense").expect(404);
  }

  @Proves("Methods that a path does not take: 405 MethodNotAllowed.")
  void methods(Api api) {
    api.configMap("a");
    api.post(CONFIG_MAPS + "/a", "{}").expect(405, "MethodNotAllowed");
    api.put(CONFIG_MAPS, "{}").expect(405, "MethodNotAllowed");
    api.patch(MERGE_PATCH, CONFIG_MAPS, "{}").expect(405, "MethodNotAllowed");
    api.widget("w");
    api.put(WIDGETS, "{}").expect(400, "BadRequest");
    api.post("/api/v1/configmaps", "{metadata: {name: 'a', namespace: '{ns}'}}").expect(405);
    api.delete("/api/v1/configmaps").expect(405);
    api.post("/apis/contract.sluice.dev/v1/widgets", "{}").expect(404);
  }

  @Proves("POST to a custom resource's own path is taken as a creation: the body's name counts.")
  void postToAnObject(Api api) {
    api.widget("w");
    api.post(WIDGETS + "/w", "{}").expect(400, "BadRequest");
    api.send(
            "POST",
            WIDGETS + "/w",
            "{" + WIDGET + ",\"metadata\":{\"name\":\"x\"}}",
            "Content-Type",
            JSON)
        .expect(201);
    assertThat(api.get(WIDGETS).names()).containsExactly("w", "x");
  }

  @Proves("A cluster-scoped path of a namespaced kind serves only lists and watches.")
  void namespacedKindAtClusterScope(Api api) {
    api.configMap("a");
    api.get("/api/v1/configmaps/a").expect(404);
    api.widget("a");
    api.get("/apis/contract.sluice.dev/v1/widgets/a").expect(404);
  }

  @Proves(
      "HEAD is not served by built-in kinds: 405; custom resources answer it as GET without a"
          + " body.")
  void head(Api api) {
    api.configMap("a");
    api.send("HEAD", CONFIG_MAPS + "/a", null).expect(405);
    api.send("HEAD", WIDGETS, null).expect(200);
  }

  // ---- the wire

  @Proves("HTTP/2 and HTTP/1.1 are served on one port.")
  void bothProtocols(Api api) {
    api.configMap("a");
    assertThat(api.get(CONFIG_MAPS).expect(200).protocol()).isEqualTo(HttpClient.Version.HTTP_2);
    assertThat(
            api.send(api.target().http1Client(), "GET", CONFIG_MAPS, null).expect(200).protocol())
        .isEqualTo(HttpClient.Version.HTTP_1_1);
  }

  @Proves("Every answer says: Cache-Control: no-cache, private; an Audit-Id; and its content type.")
  void headersOfEveryAnswer(Api api) {
    for (Answer answer :
        List.of(api.get(CONFIG_MAPS), api.get(CONFIG_MAPS + "/none"), api.get(WIDGETS))) {
      assertThat(answer.header("Cache-Control")).isEqualTo("no-cache, private");
      assertThat(answer.header("Audit-Id")).hasSize(36);
      assertThat(answer.contentType()).isEqualTo(JSON);
    }
    assertThat(api.send("GET", CONFIG_MAPS, null, "Audit-Id", "my-own").header("Audit-Id"))
        .isEqualTo("my-own");
  }

  @Proves(
      "The headers X-Kubernetes-PF-FlowSchema-UID and X-Kubernetes-PF-PriorityLevel-UID stand on"
          + " served responses too.")
  void priorityAndFairnessHeaders(Api api) {
    Answer answer = api.get(CONFIG_MAPS).expect(200);
    assertThat(answer.header("X-Kubernetes-PF-FlowSchema-UID")).hasSize(36);
    assertThat(answer.header("X-Kubernetes-PF-PriorityLevel-UID")).hasSize(36);
  }

  // ---- who asks

  // Over HTTP/2 the real server ends the connection of whom it does not know; others share it.
  private static Answer as(Api api, String authorization, String path) {
    return api.send(api.target().http1Client(), "GET", path, null, "Authorization", authorization);
  }

  @Proves("No token: 403 as system:anonymous; the version and the health are told to anybody.")
  void noToken(Api api) {
    for (String path : List.of(CONFIG_MAPS, CONFIG_MAPS + "/a", "/api/v1/nodes", WIDGETS, CRDS)) {
      as(api, "", path).expect(403, "Forbidden");
    }
    as(api, "", CONFIG_MAPS + "?watch=1").expect(403, "Forbidden");
    api.send(
            api.target().http1Client(),
            "POST",
            CONFIG_MAPS,
            "{\"metadata\":{\"name\":\"a\"}}".getBytes(StandardCharsets.UTF_8),
            "Authorization",
            "",
            "Content-Type",
            JSON)
        .expect(403, "Forbidden");
    as(api, "", "/nonsense").expect(403, "Forbidden");
    api.quietly(() -> {
      for (String path : List.of("/version", "/healthz", "/livez", "/readyz")) {
        as(api, "", path).expect(200);
      }
    });
  }

  @Proves("A wrong token: 401, even on /version.")
  void wrongToken(Api api) {
    for (String path : List.of(CONFIG_MAPS, "/version", "/nonsense", CONFIG_MAPS + "?watch=1")) {
      as(api, "Bearer wrong", path).expect(401, "Unauthorized");
    }
  }
}
