import Charts

/// The page around the charts, in their colours.
enum ReportStyle {
    static var css: String {
        """
        :root { \(variables(ChartStyle.light)) }
        @media screen and (prefers-color-scheme: dark) { :root { \(variables(ChartStyle.dark)) } }
        * { box-sizing: border-box; }
        body { margin: 0; font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; background: var(--paper); color: var(--ink); }
        header, main { max-width: 1124px; margin: 0 auto; padding: 0 22px; }
        header { padding-top: 28px; } h1 { font-size: 26px; margin: 0 0 4px; overflow-wrap: anywhere; }
        header p, figcaption, dt { color: var(--quiet); } p { max-width: 76ch; overflow-wrap: anywhere; }
        h2 { font-size: 20px; margin: 40px 0 8px; padding-top: 14px; border-top: 1px solid var(--grid); overflow-wrap: anywhere; }
        h3 { font-size: 15px; margin: 26px 0 8px; }
        dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); gap: 14px 20px; margin: 16px 0; }
        dt { font-size: 12px; } dd { margin: 0; font-size: 19px; font-weight: 600; overflow-wrap: anywhere; }
        .figures { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 26px 20px; margin-top: 18px; }
        figure { margin: 0; min-width: 0; } figure.wide { grid-column: 1 / -1; overflow-x: auto; }
        svg { display: block; width: 100%; height: auto; } figure.wide svg { min-width: 720px; }
        figcaption { font-size: 13px; margin-top: 4px; max-width: 90ch; }
        /* A shade at the side on which there is more: what moves with the table covers it where there is none. */
        .table { overflow-x: auto; background:
          linear-gradient(to right, var(--paper) 40%, transparent) 0 0 / 48px 100% no-repeat local,
          linear-gradient(to left, var(--paper) 40%, transparent) 100% 0 / 48px 100% no-repeat local,
          linear-gradient(to right, var(--shade), transparent) 0 0 / 14px 100% no-repeat,
          linear-gradient(to left, var(--shade), transparent) 100% 0 / 14px 100% no-repeat; }
        table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
        th, td { padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
        th { font-weight: 600; } tr > :first-child { text-align: left; } thead th { vertical-align: bottom; }
        details { margin: 18px 0; } summary { cursor: pointer; } pre { font-size: 12px; overflow-x: auto; }
        @media (max-width: 760px) { .figures { grid-template-columns: minmax(0, 1fr); } }
        /* A picture that a phone makes small keeps letters that can be read. */
        @media screen and (max-width: 480px) { figure.narrow svg text { font-size: 13px; } figure.narrow svg .title { font-size: 15px; } }
        /* A wide table goes beyond the text, as far as the window does. */
        @media screen and (min-width: 1124px) { .table { width: max-content; max-width: calc(50vw + 518px); } }
        @media print {
          body { font-size: 10pt; } header, main { max-width: none; padding: 0; } h2 { break-after: avoid; }
          figure, tr, dl { break-inside: avoid; } figure.wide svg { min-width: 0; } .table { overflow: visible; background: none; }
          .figures { display: block; } figure { margin-bottom: 12px; } figure.narrow { display: inline-block; vertical-align: top; width: 49%; }
          table { font-size: 8pt; } th, td { padding-right: 8px; white-space: normal; } details { display: none; }
        }
        """
    }

    private static func variables(_ colours: ChartStyle.Colours) -> String {
        "--paper: \(colours.paper); --ink: \(colours.ink); --quiet: \(colours.quiet); --grid: \(colours.grid); "
            + "--shade: color-mix(in srgb, var(--quiet) 45%, transparent);"
    }
}
