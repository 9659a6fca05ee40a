# latency.gp — time against size: the median as a line, the band from the median to the 95th percentile.
set logscale xy
set rmargin at screen 0.97
set lmargin at screen 0.1
set key inside left top
of(i, column_name) = column('series') == i ? column(column_name) : NaN
plot for [i=1:series_count] data using (of(i, 'params')):(column('p50_ms')):(column('p95_ms')) \
         with filledcurves fs transparent solid 0.22 noborder lc rgb (i == 1 ? teal : rust) notitle, \
     for [i=1:series_count] data using (of(i, 'params')):(column('p99_ms')) \
         with lines lw 0.8 dt (2,4) lc rgb (i == 1 ? teal : rust) notitle, \
     for [i=1:series_count] data using (of(i, 'params')):(column('p50_ms')) \
         with linespoints lw 2.2 pt (i == 1 ? 7 : 5) lc rgb (i == 1 ? teal : rust) title series_title[i]
