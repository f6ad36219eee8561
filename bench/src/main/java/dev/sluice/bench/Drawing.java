package dev.sluice.bench;

import dev.sluice.bench.Plots.Line;
import dev.sluice.bench.Plots.Plot;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Dimension;
import java.awt.Font;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.apache.batik.svggen.SVGGeneratorContext;
import org.apache.batik.svggen.SVGGraphics2D;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;
import org.w3c.dom.Document;
import org.w3c.dom.Element;

/** Draws {@link Plots} as SVG that can be read on a light and on a dark page. */
final class Drawing {
  private static final String SVG = "http://www.w3.org/2000/svg";
  private static final int WIDTH = 860;
  private static final int HEIGHT = 420;

  private static final Color PAPER = new Color(254, 254, 254);
  private static final Color INK = new Color(36, 41, 47);
  private static final Color GRID = new Color(216, 222, 228);
  private static final Color BACKDROP = new Color(140, 149, 159);

  /** Told apart by lightness, too, and readable on both papers. */
  private static final Color[] LINES = {
    new Color(31, 111, 235),
    new Color(219, 109, 40),
    new Color(46, 160, 67),
    new Color(163, 113, 247)
  };

  private static final String DARK =
      "@media (prefers-color-scheme: dark) {"
          + dark("fill", PAPER, "#0d1117")
          + dark("fill", INK, "#e6edf3")
          + dark("fill", GRID, "#30363d")
          + dark("stroke", PAPER, "#0d1117")
          + dark("stroke", INK, "#8b949e")
          + dark("stroke", GRID, "#30363d")
          + "}";

  private Drawing() {}

  private static String dark(String attribute, Color from, String to) {
    return "[%s=\"rgb(%d,%d,%d)\"]{%s:%s}"
        .formatted(attribute, from.getRed(), from.getGreen(), from.getBlue(), attribute, to);
  }

  static void write(Plot plot, Path file) throws IOException {
    Document document;
    try {
      document =
          DocumentBuilderFactory.newDefaultNSInstance()
              .newDocumentBuilder()
              .getDOMImplementation()
              .createDocument(SVG, "svg", null);
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("the JDK's own XML parser can't be had", e);
    }
    SVGGeneratorContext context = SVGGeneratorContext.createDefault(document);
    context.setPrecision(1);
    context.setComment(" Made by bench/plots from runs in virtual time. ");
    SVGGraphics2D graphics = new SVGGraphics2D(context, false);
    graphics.setSVGCanvasSize(new Dimension(WIDTH, HEIGHT));
    chart(plot).paint(graphics, WIDTH, HEIGHT);
    Element root = graphics.getRoot();
    root.setAttribute("viewBox", "0 0 " + WIDTH + " " + HEIGHT);
    root.setAttribute("role", "img");
    Element style = document.createElementNS(SVG, "style");
    style.setTextContent(DARK);
    Element title = document.createElementNS(SVG, "title");
    title.setTextContent(plot.title());
    root.insertBefore(style, root.getFirstChild());
    root.insertBefore(title, root.getFirstChild());
    try (Writer writer = Files.newBufferedWriter(file)) {
      graphics.stream(root, writer, false, false);
    }
  }

  private static XYChart chart(Plot plot) {
    XYChart chart =
        new XYChartBuilder()
            .width(WIDTH)
            .height(HEIGHT)
            .title(plot.title())
            .xAxisTitle("seconds")
            .yAxisTitle(plot.yTitle())
            .build();
    XYStyler styler = chart.getStyler();
    Font plain = new Font(Font.SANS_SERIF, Font.PLAIN, 12);
    styler.setChartBackgroundColor(PAPER);
    styler.setPlotBackgroundColor(PAPER);
    styler.setPlotBorderVisible(false);
    styler.setPlotGridLinesColor(GRID);
    styler.setPlotGridLinesStroke(new BasicStroke(1));
    styler.setChartFontColor(INK);
    styler.setAxisTickLabelsColor(INK);
    styler.setAxisTickMarksColor(INK);
    styler.setAxisTicksLineVisible(false);
    styler.setChartTitleBoxVisible(false);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 14));
    styler.setAxisTitleFont(plain);
    styler.setAxisTickLabelsFont(plain);
    styler.setLegendFont(plain);
    styler.setLegendPosition(Styler.LegendPosition.OutsideS);
    styler.setLegendLayout(Styler.LegendLayout.Horizontal);
    styler.setLegendBackgroundColor(PAPER);
    styler.setLegendBorderColor(PAPER);
    styler.setYAxisMin(0.0);
    styler.setAntiAlias(true);
    int next = 0;
    boolean first = !plot.lines().containsKey("COALESCE");
    for (Map.Entry<String, Line> entry : plot.lines().entrySet()) {
      Line line = entry.getValue();
      XYSeries series = chart.addSeries(entry.getKey(), line.x(), line.y());
      series.setMarker(SeriesMarkers.NONE);
      series.setXYSeriesRenderStyle(XYSeries.XYSeriesRenderStyle.Line);
      series.setLineColor(first ? BACKDROP : LINES[next++]);
      series.setLineWidth(first ? 4 : 2);
      first = false;
    }
    return chart;
  }
}
