# latency.gp — time against size: the median as a line, the band from the median to the 95th percentile, dots at the
# 99th. The key explains all three beside the drawing, where no line runs through it.
set logscale xy
set lmargin at screen 0.1
set rmargin at screen 0.735
set key at screen 0.75, screen 0.83
of(i, column_name) = column('series') == i ? column(column_name) : NaN
plot for [i=1:series_count] data using (of(i, 'params')):(column('p50_ms')):(column('p95_ms')) \
         with filledcurves fs transparent solid 0.22 noborder lc rgb (i == 1 ? teal : rust) notitle, \
     for [i=1:series_count] data using (of(i, 'params')):(column('p99_ms')) \
         with lines lw 1.2 dt (2,4) lc rgb (i == 1 ? teal : rust) notitle, \
     for [i=1:series_count] data using (of(i, 'params')):(column('p50_ms')) \
         with linespoints lw 2.2 pt (i == 1 ? 7 : 5) lc rgb (i == 1 ? teal : rust) title series_title[i], \
     keyentry with lines lw 2.2 lc rgb muted title 'median', \
     keyentry with filledcurves fs transparent solid 0.22 noborder lc rgb muted title 'to 95th percentile', \
     keyentry with lines lw 1.2 dt (2,4) lc rgb muted title '99th percentile'
