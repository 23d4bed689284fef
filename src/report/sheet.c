/*
 * The door to cairo (the PDF), pango (lines of text) and fontconfig (the fonts).
 *
 * Fonts are not searched for: a configuration of our own names the two files of Noto Sans CJK and
 * nothing else, so a page looks the same on every machine and a confined process reads one folder.
 * Pango starts a thread that talks to fontconfig; whoever confines the process must let it.
 *
 *     59.5 ┌──────────────────────────────┐  points; A4 is 595 by 842
 *          │ title                        │
 *          │ heading ──────────────────── │  what does not fit goes to a new page: a text between
 *          │ name      value              │  two of its lines, a fact or a row of a table as a
 *          │ column    column      column │  whole
 *          │ foot                  1 / 2  │
 *          └──────────────────────────────┘
 *
 * Always true: no text of a caller reaches pango that is not valid UTF-8 without control
 * characters and of bounded length; the dates in the file are the caller's; the PDF is tagged (H1,
 * H2, P, Table), so that it can be read aloud.  Out of memory ends the process: glib knows no other
 * way, and the process has one job.
 */

#include "report/sheet.h"

#include <stdio.h>
#include <string.h>

#include <cairo-pdf.h>
#include <fontconfig/fontconfig.h>
#include <pango/pangocairo.h>
#include <pango/pangofc-fontmap.h>

#include "report/report.h"

#define PAGE_WIDTH   595.276
#define PAGE_HEIGHT  841.89
#define MARGIN       56.0
#define WIDTH        (PAGE_WIDTH - 2 * MARGIN)
#define BOTTOM       (PAGE_HEIGHT - 64.0)
#define NAME_WIDTH   122.0
#define GAP          8.0
#define TEXT_MAX     16384 /* bytes of a paragraph */
#define VALUE_MAX    2400  /* of a fact: less than a page */
#define CELL_MAX     400
#define PDF_MAX      ((size_t)32 << 20)
#define FONT         "Noto Sans CJK JP"
#define FONT_MONO    "Noto Sans Mono CJK JP"
#define COLOUR_TEXT  0x1b1f24
#define COLOUR_QUIET 0x57606a
#define COLOUR_LINE  0xc9d1d9
#define COLOUR_HEAD  0x9a3412

struct style {
    double size;
    bool bold, mono;
    unsigned colour;
};

struct sheet {
    const struct sheet_settings *settings;
    cairo_t *cairo;
    PangoContext *context;
    double y;
    unsigned page, pages; /* pages: 0 the first time, when nobody knows */
    struct sheet_column columns[SHEET_COLUMNS_MAX];
    size_t columns_count;
    bool in_table;
    enum err err;
};

/* ---- Text. */

/* How many bytes of a control stand there: those of ASCII and C1, and what Unicode has to break
 * lines and to turn directions around, by which a text could look like a row of the page. */
static size_t control_size(const char *at)
{
    const unsigned char *c = (const unsigned char *)at;
    if (c[0] < 0x20 || c[0] == 0x7f) {
        return 1;
    }
    if (c[0] == 0xc2 && c[1] < 0xa0) {
        return 2;
    }
    return c[0] == 0xe2 && ((c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae) ||
                            (c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9))
               ? 3
               : 0;
}

/* Valid, without control characters, at most so many bytes; the caller frees it with g_free. */
static char *text_clean(struct str text, size_t size_max, bool lines)
{
    bool cut = text.size > size_max;
    char *clean =
        g_utf8_make_valid(text.data != NULL ? text.data : "", (gssize)(cut ? size_max : text.size));
    for (char *at = clean; *at != '\0'; at++) {
        size_t size = lines && *at == '\n' ? 0 : control_size(at);
        memset(at, ' ', size);
        at += size > 0 ? size - 1 : 0;
    }
    if (cut) {
        char *longer = g_strconcat(clean, "…", NULL);
        g_free(clean);
        clean = longer;
    }
    return clean;
}

static PangoLayout *layout_make(struct sheet *sheet, struct str text, size_t size_max, double width,
                                const struct style *style)
{
    PangoLayout *layout = pango_layout_new(sheet->context);
    PangoFontDescription *font = pango_font_description_new();
    char *clean = text_clean(text, size_max, size_max == TEXT_MAX);
    pango_font_description_set_family_static(font, style->mono ? FONT_MONO : FONT);
    pango_font_description_set_absolute_size(font, style->size * PANGO_SCALE);
    pango_font_description_set_weight(font, style->bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_layout_set_width(layout, (int)(width * PANGO_SCALE));
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    pango_layout_set_line_spacing(layout, 1.12F);
    pango_layout_set_text(layout, clean, -1);
    pango_font_description_free(font);
    g_free(clean);
    return layout;
}

static double layout_height(PangoLayout *layout)
{
    int height;
    pango_layout_get_size(layout, NULL, &height);
    return (double)height / PANGO_SCALE;
}

static void colour_set(cairo_t *cairo, unsigned colour)
{
    cairo_set_source_rgb(cairo, (double)(colour >> 16 & 0xff) / 255.0,
                         (double)(colour >> 8 & 0xff) / 255.0, (double)(colour & 0xff) / 255.0);
}

static void layout_show(struct sheet *sheet, PangoLayout *layout, double x, double y,
                        unsigned colour, const char *tag)
{
    colour_set(sheet->cairo, colour);
    if (tag != NULL) {
        cairo_tag_begin(sheet->cairo, tag, NULL);
    }
    cairo_move_to(sheet->cairo, x, y);
    pango_cairo_show_layout(sheet->cairo, layout);
    if (tag != NULL) {
        cairo_tag_end(sheet->cairo, tag);
    }
}

static void rule_draw(struct sheet *sheet, double y, double width, unsigned colour)
{
    colour_set(sheet->cairo, colour);
    cairo_set_line_width(sheet->cairo, width);
    cairo_move_to(sheet->cairo, MARGIN, y);
    cairo_line_to(sheet->cairo, PAGE_WIDTH - MARGIN, y);
    cairo_stroke(sheet->cairo);
}

/* ---- Pages. */

static void foot_draw(struct sheet *sheet)
{
    static const struct style style = {.size = 7.5, .colour = COLOUR_QUIET};
    char number[48];
    (void)snprintf(number, sizeof number, "%u / %u", sheet->page, sheet->pages);
    double y = PAGE_HEIGHT - 44.0;
    rule_draw(sheet, y - 6.0, 0.5, COLOUR_LINE);
    PangoLayout *left = layout_make(sheet, sheet->settings->foot, CELL_MAX, WIDTH - 60.0, &style);
    PangoLayout *right = layout_make(sheet, str_from(number), CELL_MAX, 56.0, &style);
    pango_layout_set_alignment(right, PANGO_ALIGN_RIGHT);
    layout_show(sheet, left, MARGIN, y, style.colour, NULL);
    layout_show(sheet, right, PAGE_WIDTH - MARGIN - 56.0, y, style.colour, NULL);
    g_object_unref(left);
    g_object_unref(right);
}

static void page_turn(struct sheet *sheet)
{
    foot_draw(sheet);
    cairo_show_page(sheet->cairo);
    sheet->page++;
    sheet->y = MARGIN;
}

static void room_make(struct sheet *sheet, double height)
{
    if (sheet->y + height > BOTTOM && sheet->y > MARGIN) {
        page_turn(sheet);
    }
}

/* ---- What stands on them. */

void sheet_title(struct sheet *sheet, struct str title, struct str under)
{
    static const struct style big = {.size = 20.0, .bold = true, .colour = COLOUR_TEXT};
    static const struct style small = {.size = 10.0, .colour = COLOUR_QUIET};
    PangoLayout *layout = layout_make(sheet, title, CELL_MAX, WIDTH, &big);
    layout_show(sheet, layout, MARGIN, sheet->y, big.colour, "H1");
    sheet->y += layout_height(layout) + 4.0;
    g_object_unref(layout);
    layout = layout_make(sheet, under, CELL_MAX, WIDTH, &small);
    layout_show(sheet, layout, MARGIN, sheet->y, small.colour, "P");
    sheet->y += layout_height(layout) + 10.0;
    g_object_unref(layout);
    rule_draw(sheet, sheet->y, 1.5, COLOUR_HEAD);
    sheet->y += 8.0;
}

void sheet_heading(struct sheet *sheet, struct str text)
{
    static const struct style style = {.size = 12.0, .bold = true, .colour = COLOUR_HEAD};
    PangoLayout *layout = layout_make(sheet, text, CELL_MAX, WIDTH, &style);
    room_make(sheet, layout_height(layout) + 60.0);
    sheet->y += 10.0;
    layout_show(sheet, layout, MARGIN, sheet->y, style.colour, "H2");
    sheet->y += layout_height(layout) + 4.0;
    g_object_unref(layout);
}

void sheet_text(struct sheet *sheet, struct str text)
{
    static const struct style style = {.size = 9.5, .colour = COLOUR_TEXT};
    PangoLayout *layout = layout_make(sheet, text, TEXT_MAX, WIDTH, &style);
    PangoLayoutIter *lines = pango_layout_get_iter(layout);
    bool more = true;
    cairo_tag_begin(sheet->cairo, "P", NULL);
    while (more) {
        PangoRectangle extents;
        int top;
        int bottom;
        pango_layout_iter_get_line_extents(lines, NULL, &extents);
        pango_layout_iter_get_line_yrange(lines, &top, &bottom);
        double height = (double)(bottom - top) / PANGO_SCALE;
        if (sheet->y + height > BOTTOM) {
            cairo_tag_end(sheet->cairo, "P");
            page_turn(sheet);
            cairo_tag_begin(sheet->cairo, "P", NULL);
        }
        colour_set(sheet->cairo, style.colour);
        cairo_move_to(sheet->cairo, MARGIN + (double)extents.x / PANGO_SCALE,
                      sheet->y +
                          (double)(pango_layout_iter_get_baseline(lines) - top) / PANGO_SCALE);
        pango_cairo_show_layout_line(sheet->cairo, pango_layout_iter_get_line_readonly(lines));
        sheet->y += height;
        more = pango_layout_iter_next_line(lines);
    }
    cairo_tag_end(sheet->cairo, "P");
    sheet->y += 5.0;
    pango_layout_iter_free(lines);
    g_object_unref(layout);
}

void sheet_fact(struct sheet *sheet, struct str name, struct str value, bool mono)
{
    static const struct style quiet = {.size = 9.0, .colour = COLOUR_QUIET};
    const struct style style = {.size = mono ? 8.0 : 9.5, .mono = mono, .colour = COLOUR_TEXT};
    PangoLayout *left = layout_make(sheet, name, CELL_MAX, NAME_WIDTH - GAP, &quiet);
    PangoLayout *right = layout_make(sheet, value, VALUE_MAX, WIDTH - NAME_WIDTH, &style);
    double height = layout_height(right);
    if (layout_height(left) > height) {
        height = layout_height(left);
    }
    room_make(sheet, height + 3.0);
    cairo_tag_begin(sheet->cairo, "P", NULL);
    layout_show(sheet, left, MARGIN, sheet->y + (mono ? 0.0 : 0.7), quiet.colour, NULL);
    layout_show(sheet, right, MARGIN + NAME_WIDTH, sheet->y + (mono ? 0.9 : 0.0), style.colour,
                NULL);
    cairo_tag_end(sheet->cairo, "P");
    sheet->y += height + 3.0;
    g_object_unref(left);
    g_object_unref(right);
}

/* ---- Tables. */

static double row_make(struct sheet *sheet, const struct str *cells, bool head,
                       PangoLayout **layouts)
{
    double height = 0;
    for (size_t i = 0; i < sheet->columns_count; i++) {
        const struct sheet_column *column = &sheet->columns[i];
        const struct style style = {
            .size = column->mono && !head ? 7.0 : 8.5, .bold = head, .mono = column->mono && !head};
        layouts[i] = layout_make(sheet, cells[i], CELL_MAX, column->share * WIDTH - GAP, &style);
        if (column->right) {
            pango_layout_set_alignment(layouts[i], PANGO_ALIGN_RIGHT);
        }
        if (layout_height(layouts[i]) > height) {
            height = layout_height(layouts[i]);
        }
    }
    return height;
}

static void row_draw(struct sheet *sheet, PangoLayout **layouts, double height, bool head)
{
    double x = MARGIN;
    cairo_tag_begin(sheet->cairo, "TR", NULL);
    for (size_t i = 0; i < sheet->columns_count; i++) {
        layout_show(sheet, layouts[i], x, sheet->y + 2.0, head ? COLOUR_QUIET : COLOUR_TEXT,
                    head ? "TH" : "TD");
        x += sheet->columns[i].share * WIDTH;
        g_object_unref(layouts[i]);
    }
    cairo_tag_end(sheet->cairo, "TR");
    sheet->y += height + 4.0;
    rule_draw(sheet, sheet->y, head ? 0.8 : 0.4, head ? COLOUR_QUIET : COLOUR_LINE);
}

static void table_head(struct sheet *sheet)
{
    PangoLayout *layouts[SHEET_COLUMNS_MAX];
    struct str names[SHEET_COLUMNS_MAX];
    for (size_t i = 0; i < sheet->columns_count; i++) {
        names[i] = sheet->columns[i].name;
    }
    double height = row_make(sheet, names, true, layouts);
    row_draw(sheet, layouts, height, true);
}

void sheet_table_begin(struct sheet *sheet, const struct sheet_column *columns, size_t count)
{
    memcpy(sheet->columns, columns, count * sizeof *columns);
    sheet->columns_count = count;
    room_make(sheet, 50.0);
    cairo_tag_begin(sheet->cairo, "Table", NULL);
    table_head(sheet);
}

void sheet_table_row(struct sheet *sheet, const struct str *cells)
{
    PangoLayout *layouts[SHEET_COLUMNS_MAX];
    double height = row_make(sheet, cells, false, layouts);
    if (sheet->y + height + 4.0 > BOTTOM) {
        cairo_tag_end(sheet->cairo, "Table");
        page_turn(sheet);
        cairo_tag_begin(sheet->cairo, "Table", NULL);
        table_head(sheet);
    }
    row_draw(sheet, layouts, height, false);
}

void sheet_table_end(struct sheet *sheet)
{
    cairo_tag_end(sheet->cairo, "Table");
    sheet->y += 6.0;
}

/* ---- The file. */

static enum err fonts_make(FcConfig **ret_config, PangoFontMap **ret_map, struct why *why)
{
    static const char *const files[] = {REPORT_FONTS "/NotoSansCJK-Regular.ttc",
                                        REPORT_FONTS "/NotoSansCJK-Bold.ttc"};
    FcConfig *config = FcConfigCreate();
    if (config == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (!FcConfigAppFontAddFile(config, (const FcChar8 *)files[i])) {
            FcConfigDestroy(config);
            return why_say(why, ERR_NOT_FOUND, 0, "%s: no such font; install fonts-noto-cjk",
                           files[i]);
        }
    }
    PangoFontMap *map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    pango_fc_font_map_set_config(PANGO_FC_FONT_MAP(map), config);
    *ret_config = config;
    *ret_map = map;
    return OK;
}

struct sink {
    struct buf *out; /* NULL: only counted */
    enum err err;
};

static cairo_status_t sink_write(void *context, const unsigned char *data, unsigned int size)
{
    struct sink *sink = context;
    if (sink->out != NULL && sink->err == OK) {
        sink->err = buf_append(sink->out, str_of(data, size));
    }
    return sink->err == OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

static void file_describe(cairo_surface_t *surface, const struct sheet_settings *settings)
{
    char when[32] = "1970-01-01T00:00:00Z";
    char *title = text_clean(settings->title, CELL_MAX, false);
    GDateTime *time = g_date_time_new_from_unix_utc(settings->now.ns / NS_PER_SECOND);
    char *text = time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : NULL;
    (void)snprintf(when, sizeof when, "%s", text != NULL ? text : "1970-01-01T00:00:00Z");
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATOR, "Hinomi");
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_CREATE_DATE, when);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_MOD_DATE, when);
    g_free(title);
    g_free(text);
    if (time != NULL) {
        g_date_time_unref(time);
    }
}

/* One run of the drawing; *pages is how many it had. */
static enum err run(const struct sheet_settings *settings, PangoFontMap *map, sheet_draw *draw,
                    void *context, unsigned *pages, struct buf *out)
{
    struct sink sink = {.out = out};
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(sink_write, &sink, PAGE_WIDTH, PAGE_HEIGHT);
    file_describe(surface, settings);
    struct sheet sheet = {.settings = settings,
                          .cairo = cairo_create(surface),
                          .context = pango_font_map_create_context(map),
                          .y = MARGIN,
                          .page = 1,
                          .pages = *pages};
    pango_context_set_language(sheet.context,
                               pango_language_from_string(language_text(settings->language)));
    draw(&sheet, context);
    foot_draw(&sheet);
    cairo_show_page(sheet.cairo);
    *pages = sheet.page;
    g_object_unref(sheet.context);
    cairo_destroy(sheet.cairo);
    cairo_surface_finish(surface);
    cairo_status_t status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    if (sink.err != OK) {
        return sink.err;
    }
    return status == CAIRO_STATUS_SUCCESS     ? OK
           : status == CAIRO_STATUS_NO_MEMORY ? ERR_MEMORY
                                              : ERR_IO;
}

enum err sheet_print(const struct sheet_settings *settings, sheet_draw *draw, void *context,
                     struct buf *out, struct why *why)
{
    FcConfig *config = NULL;
    PangoFontMap *map = NULL;
    unsigned pages = 0;
    struct buf pdf;
    enum err err = fonts_make(&config, &map, why);
    if (err != OK) {
        return err;
    }
    buf_init(&pdf, PDF_MAX);
    err = run(settings, map, draw, context, &pages, NULL);
    err = err == OK ? run(settings, map, draw, context, &pages, &pdf) : err;
    err = err == OK ? buf_append(out, buf_str(&pdf)) : err;
    buf_done(&pdf);
    g_object_unref(map);
    FcConfigDestroy(config);
    return err;
}
