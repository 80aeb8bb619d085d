//! How the window looks: colours, sizes and the style given to egui.
//!
//! Pure data and one function that installs it. Every colour of the window is named here, once.

use super::TokenKind;
use egui::{Color32, CornerRadius, FontId, Stroke, Visuals, vec2};

/// Behind everything: the frame of the window.
pub(super) const BACKGROUND: Color32 = Color32::from_rgb(0x14, 0x15, 0x1a);
/// Behind the code.
pub(super) const PAPER: Color32 = Color32::from_rgb(0x19, 0x1b, 0x22);
/// Bars and panels.
pub(super) const PANEL: Color32 = Color32::from_rgb(0x1f, 0x22, 0x2b);
/// A raised thing: buttons, cards.
pub(super) const RAISED: Color32 = Color32::from_rgb(0x2b, 0x2f, 0x3b);
/// A raised thing under the pointer.
pub(super) const RAISED_HOVER: Color32 = Color32::from_rgb(0x36, 0x3b, 0x4a);
/// Hairlines between parts.
pub(super) const LINE: Color32 = Color32::from_rgb(0x2d, 0x31, 0x3d);
/// The row that the cursor is in.
pub(super) const CURRENT_ROW: Color32 = Color32::from_rgb(0x21, 0x24, 0x2e);
/// Ordinary text.
pub(super) const TEXT: Color32 = Color32::from_rgb(0xdd, 0xe1, 0xea);
/// Text that should not shout: line numbers, units, hints.
pub(super) const QUIET: Color32 = Color32::from_rgb(0x8b, 0x93, 0xa7);
/// The product's own colour.
pub(super) const ACCENT: Color32 = Color32::from_rgb(0xf2, 0xa6, 0x5a);
/// A program is playing.
pub(super) const GOOD: Color32 = Color32::from_rgb(0x7c, 0xd6, 0x9a);
/// Warnings.
pub(super) const WARN: Color32 = Color32::from_rgb(0xf0, 0xc6, 0x5c);
/// Errors and faults.
pub(super) const BAD: Color32 = Color32::from_rgb(0xf4, 0x72, 0x6f);

/// Size of the code, in points.
pub(super) const CODE_SIZE: f32 = 14.0;
/// Height of a row of code, in points.
pub(super) const ROW_HEIGHT: f32 = 19.0;

/// The code's font.
pub(super) fn code_font() -> FontId {
    FontId::monospace(CODE_SIZE)
}

/// The colour of a token.
pub(super) fn token(kind: TokenKind) -> Color32 {
    match kind {
        TokenKind::Plain => TEXT,
        TokenKind::Keyword => Color32::from_rgb(0xc7, 0x9b, 0xf2),
        TokenKind::Number => Color32::from_rgb(0xf2, 0xb8, 0x7a),
        TokenKind::Text => Color32::from_rgb(0x9f, 0xd3, 0x8a),
        TokenKind::Comment => Color32::from_rgb(0x74, 0x7d, 0x92),
        TokenKind::Operator => Color32::from_rgb(0x8c, 0xc9, 0xe8),
        TokenKind::Punctuation => Color32::from_rgb(0xa6, 0xae, 0xc2),
        TokenKind::Value => Color32::from_rgb(0xf2, 0xd0, 0x6f),
        TokenKind::Builtin => Color32::from_rgb(0x6f, 0xc6, 0xe0),
        TokenKind::Macro => Color32::from_rgb(0xf0, 0x8f, 0xb4),
        TokenKind::Type => Color32::from_rgb(0x6f, 0xd0, 0xc3),
        TokenKind::Function => Color32::from_rgb(0x82, 0xb4, 0xff),
        TokenKind::Wrong => BAD,
    }
}

/// Gives the context Attacca's dark look, whatever the desktop's theme is.
pub fn install(ctx: &egui::Context) {
    ctx.set_theme(egui::Theme::Dark);
    // A program may hold any character; one without a glyph is drawn as a box.
    ctx.set_missing_glyph_policy(egui::MissingGlyphPolicy::Tofu);
    ctx.style_mut_of(egui::Theme::Dark, |style| {
        style.visuals = visuals();
        style.spacing.item_spacing = vec2(8.0, 6.0);
        style.spacing.button_padding = vec2(10.0, 5.0);
        style.spacing.interact_size.y = 26.0;
    });
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = BACKGROUND;
    visuals.window_fill = PANEL;
    visuals.extreme_bg_color = PAPER;
    visuals.faint_bg_color = PANEL;
    visuals.text_edit_bg_color = Some(PAPER);
    visuals.override_text_color = Some(TEXT);
    visuals.hyperlink_color = ACCENT;
    visuals.error_fg_color = BAD;
    visuals.warn_fg_color = WARN;
    visuals.selection.bg_fill = Color32::from_rgb(0x3d, 0x49, 0x66);
    visuals.selection.stroke = Stroke::new(1.0, ACCENT);
    visuals.text_cursor.stroke = Stroke::new(2.0, ACCENT);
    let round = CornerRadius::same(6);
    for widget in [
        &mut visuals.widgets.noninteractive,
        &mut visuals.widgets.inactive,
        &mut visuals.widgets.hovered,
        &mut visuals.widgets.active,
        &mut visuals.widgets.open,
    ] {
        widget.corner_radius = round;
        widget.expansion = 0.0;
    }
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, LINE);
    visuals.widgets.inactive.weak_bg_fill = RAISED;
    visuals.widgets.inactive.bg_fill = RAISED;
    visuals.widgets.hovered.weak_bg_fill = RAISED_HOVER;
    visuals.widgets.hovered.bg_fill = RAISED_HOVER;
    visuals.widgets.hovered.bg_stroke = Stroke::new(1.0, LINE);
    visuals.widgets.active.weak_bg_fill = LINE;
    visuals.widgets.active.bg_fill = LINE;
    visuals
}
