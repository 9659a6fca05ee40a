# style.gp — what all charts share: terminal, type, colours, frame. Inlined into every chart's script, after the
# lines that set name, width, height, chart_title, x_axis, y_axis, key_title and before the chart's own template.
# Colours have counterparts for dark pages in harness/report/svg.c; a test keeps the two lists together.
if (!exists('format')) format = 'svg'
set encoding utf8
set minussign
if (format eq 'svg') set terminal svg size width,height dynamic enhanced font 'sans-serif,14' name name
if (format eq 'png') set terminal pngcairo size 2*width,2*height enhanced font 'sans-serif,14' fontscale 1.5 linewidth 2 pointscale 2
if (format eq 'pdf') set terminal pdfcairo size width/96.0,height/96.0 enhanced font 'sans-serif,10' fontscale 0.75
set output name.'.'.format
data = name.'.csv'
set datafile separator ','
set datafile missing NaN

# From little (orange) to much (indigo): sizes, tokens and budgets are ordered, so their colours are.
array ramp[9] = ['#dc7d12', '#d8642f', '#cd5049', '#bc405e', '#a6346f', '#8d2c7c', '#712685', '#542188', '#361d85']
# Two kinds that have no order.
teal  = '#0f766e'
rust  = '#c2410c'
muted = '#5f6672'
frame = '#80868f'
# Point shapes repeat what colour says, for readers who do not see it: disc, square, up, diamond, down.
array shape[9] = [7, 5, 9, 13, 11, 7, 5, 9, 13]

set border 3 lc rgb frame lw 0.8
set tics nomirror out scale 0.6,0.3 textcolor rgb muted
set grid ytics back lc rgb '#b880868f' lt 1 lw 0.6
set lmargin at screen 0.082
set rmargin at screen 0.80
set bmargin at screen 0.145
set tmargin at screen 0.815
set label 1 '{/:Bold=17 '.chart_title.'}' at screen 0.018, screen 0.945 left enhanced
set label 2 y_axis at screen 0.018, screen 0.872 left textcolor rgb muted noenhanced
set xlabel x_axis textcolor rgb muted noenhanced offset 0,0.2
set key at screen 0.815, screen 0.83 left top Left reverse samplen 1.4 spacing 1.25 width 0 noenhanced textcolor rgb muted
set key title key_title noenhanced left textcolor rgb muted
set pointsize 0.8

is(kind) = stringcolumn('kind') eq kind
