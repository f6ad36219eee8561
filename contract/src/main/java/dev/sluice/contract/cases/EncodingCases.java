package dev.sluice.contract.cases;

import static dev.sluice.contract.Api.CONFIG_MAPS;
import static dev.sluice.contract.Api.PODS;
import static dev.sluice.contract.Api.WIDGETS;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.contract.Answer;
import dev.sluice.contract.Api;
import dev.sluice.contract.Chapter;
import dev.sluice.contract.Proves;
import dev.sluice.contract.Watch;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

@Chapter(value = "Metadata only, tables", order = 5)
public abstract class EncodingCases {
  private static final String TABLE = "application/json;as=Table;g=meta.k8s.io;v=v1";

  @Proves(
      "Metadata only: Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1.")
  void metadataOnlyList(Api api) {
    api.configMap("a", "{app: 'x'}");
    api.configMap("b");
    Answer list = api.getAs(Api.METADATA_ONLY_LIST, CONFIG_MAPS).expect(200);
    assertThat(list.text("/kind")).isEqualTo("PartialObjectMetadataList");
    assertThat(list.text("/apiVersion")).isEqualTo("meta.k8s.io/v1");
    assertThat(list.names()).containsExactly("a", "b");
    assertThat(list.text("/items/0/metadata/labels/app")).isEqualTo("x");
    assertThat(list.at("/items/0").has("data")).isFalse();
    api.show("list", list.json());
  }

  @Proves("Metadata only, of a custom kind, with pages and selectors as ever.")
  void metadataOnlyCustomList(Api api) {
    api.widget("a");
    api.widget("b");
    Answer page = api.getAs(Api.METADATA_ONLY_LIST, WIDGETS, "limit=1").expect(200);
    assertThat(page.names()).containsExactly("a");
    assertThat(page.at("/items/0").has("spec")).isFalse();
    api.show("page", page.at("/items"));
    Answer rest =
        api.getAs(Api.METADATA_ONLY_LIST, WIDGETS, "limit=1", "continue=" + page.continuation())
            .expect(200);
    assertThat(rest.names()).containsExactly("b");
    assertThat(
            api.getAs(Api.METADATA_ONLY_LIST, WIDGETS, "fieldSelector=metadata.name=b")
                .expect(200)
                .names())
        .containsExactly("b");
  }

  @Proves("Metadata of one object: as=PartialObjectMetadata.")
  void metadataOnlyObject(Api api) {
    api.configMap("a");
    Answer object = api.getAs(Api.METADATA_ONLY, CONFIG_MAPS + "/a").expect(200);
    assertThat(object.text("/kind")).isEqualTo("PartialObjectMetadata");
    assertThat(object.json().propertyNames()).containsExactly("kind", "apiVersion", "metadata");
    api.widget("a");
    assertThat(api.getAs(Api.METADATA_ONLY, WIDGETS + "/a").expect(200).json().propertyNames())
        .containsExactlyInAnyOrder("kind", "apiVersion", "metadata");
  }

  @Proves(
      "PartialObjectMetadataList of one object, PartialObjectMetadata of a list: 406 or what fits.")
  void metadataOnlyMixedUp(Api api) {
    api.configMap("a");
    api.getAs(Api.METADATA_ONLY_LIST, CONFIG_MAPS + "/a");
    api.getAs(Api.METADATA_ONLY, CONFIG_MAPS);
  }

  @Proves("The media type is negotiated: metadata only first, JSON else.")
  void metadataOnlyOrElse(Api api) {
    api.configMap("a");
    assertThat(
            api.getAs(Api.METADATA_ONLY_LIST + ",application/json", CONFIG_MAPS)
                .expect(200)
                .text("/kind"))
        .isEqualTo("PartialObjectMetadataList");
    assertThat(
            api.getAs("application/json," + Api.METADATA_ONLY_LIST, CONFIG_MAPS)
                .expect(200)
                .text("/kind"))
        .isEqualTo("ConfigMapList");
  }

  @Proves("A deletion or a patch may be answered with metadata only, too.")
  void metadataOnlyWrites(Api api) {
    api.configMap("a");
    Answer patched =
        api.send(
                "PATCH",
                CONFIG_MAPS + "/a",
                "{\"data\":{\"k\":\"2\"}}",
                "Content-Type",
                Api.MERGE_PATCH,
                "Accept",
                Api.METADATA_ONLY)
            .expect(200);
    assertThat(patched.text("/kind")).isEqualTo("PartialObjectMetadata");
  }

  @Proves("Tables: as=Table gives columns and rows with the objects' metadata.")
  void tables(Api api) {
    api.configMap("a");
    Answer table = api.getAs(TABLE, CONFIG_MAPS).expect(200);
    assertThat(table.text("/kind")).isEqualTo("Table");
    assertThat(columns(table.json())).containsExactly("Name", "Data", "Age");
    assertThat(table.text("/rows/0/cells/0")).isEqualTo("a");
    assertThat(table.at("/rows/0/cells/1").asInt(0)).isEqualTo(1);
    assertThat(table.text("/rows/0/object/kind")).isEqualTo("PartialObjectMetadata");
    assertThat(table.text("/rows/0/object/metadata/name")).isEqualTo("a");
    Api.assertVersion(table.version());
    api.note(columns(table.json()).toString());
  }

  @Proves("Tables of custom resources: name and age unless the kind says otherwise.")
  void tablesOfCustomResources(Api api) {
    api.widget("a");
    Answer table = api.getAs(TABLE, WIDGETS).expect(200);
    assertThat(columns(table.json())).containsExactly("Name", "Age");
    assertThat(table.text("/rows/0/cells/0")).isEqualTo("a");
    Answer one = api.getAs(TABLE, WIDGETS + "/a").expect(200);
    assertThat(one.at("/rows")).hasSize(1);
    api.getAs(TABLE, WIDGETS + "/none").expect(404, "NotFound");
  }

  @Proves("Tables of a custom kind with additionalPrinterColumns show those.")
  void printerColumns(Api api) {
    String things =
        api.things(
            "{schema: {openAPIV3Schema: {type: 'object', properties: {spec: {type: 'object',"
                + " properties: {size: {type: 'integer'}}}}}}, additionalPrinterColumns: [{name:"
                + " 'Size', type: 'integer', jsonPath: '.spec.size'}, {name: 'Since', type: 'date',"
                + " jsonPath: '.metadata.creationTimestamp', priority: 1}]}");
    api.post(
            things,
            "{apiVersion: '{group}/v1', kind: 'Thing', metadata: {name: 'a'}, spec: {size: 4}}")
        .expect(201);
    Answer table = api.getAs(TABLE, things).expect(200);
    assertThat(columns(table.json())).containsExactly("Name", "Size", "Since");
    assertThat(table.at("/rows/0/cells/1").asInt(0)).isEqualTo(4);
  }

  @Proves("Tables of pods have the columns of kubectl get pods.")
  void tablesOfPods(Api api) {
    api.quietly(() ->
        api.post(PODS, "{metadata: {name: 'a'}, spec: {containers: [{name: 'c', image: 'i'}]}}")
            .expect(201));
    Answer table = api.getAs(TABLE, PODS).expect(200);
    api.note(columns(table.json()).toString());
    List<String> cells = new ArrayList<>();
    table.at("/rows/0/cells").forEach(cell -> cells.add(cell.asString("?")));
    api.note(cells.subList(0, 4).toString());
    assertThat(columns(table.json())).startsWith("Name", "Ready", "Status", "Restarts", "Age");
  }

  @Proves("A watch as a table: one row a frame; the columns in the first frame only.")
  void tableWatches(Api api) {
    Answer a = api.configMap("a");
    Watch watch = api.watchAs(TABLE, CONFIG_MAPS, "resourceVersion=" + a.version());
    api.configMap("b");
    api.configMap("c");
    Watch.Event first = watch.next();
    assertThat(first.object().path("kind").asString("")).isEqualTo("Table");
    assertThat(first.object().path("columnDefinitions")).hasSize(3);
    assertThat(first.object().at("/rows/0/cells/0").asString("")).isEqualTo("b");
    Watch.Event second = watch.next();
    assertThat(columns(second.object())).isEmpty();
    assertThat(second.object().at("/rows/0/cells/0").asString("")).isEqualTo("c");
  }

  @Proves("An error is a Status, whatever was asked for.")
  void errorsAreStatuses(Api api) {
    api.getAs(TABLE, CONFIG_MAPS + "/none").expect(404, "NotFound");
    api.getAs(Api.METADATA_ONLY, CONFIG_MAPS + "/none").expect(404, "NotFound");
  }

  private static List<String> columns(JsonNode table) {
    List<String> names = new ArrayList<>();
    table.path("columnDefinitions").forEach(column -> names.add(column.path("name").asString("")));
    return names;
  }
}
