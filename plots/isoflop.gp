# isoflop.gp — loss against size, one curve for each compute budget. Points are measured (or read off between two
# measured runs of one size); the curve is the parabola through the points near the minimum, in log N; a star
# marks its vertex where enough sizes support it. Its colour is the budget's, its entry in the key is black.
set logscale x
set rmargin at screen 0.735
set key at screen 0.75, screen 0.83
of(i, what, column_name) = is(what) && column('series') == i ? column(column_name) : NaN
plot for [i=1:series_count] data using (of(i, 'fit', 'params')):(column('loss')) \
         with lines lw 1.6 dt (7,4) lc rgb ramp[colour[i]] notitle, \
     for [i=1:series_count] data using (of(i, 'point', 'params')):(column('loss')) \
         with points ps 0.9 pt shape[i > 9 ? 9 : i] lc rgb ramp[colour[i]] title series_title[i], \
     for [i=1:series_count] data using (of(i, 'optimum', 'params')):(column('loss')) \
         with points ps 1.9 pt 3 lw 1.6 lc rgb ramp[colour[i]] notitle, \
     keyentry with lines lw 1.6 dt (7,4) lc rgb muted title 'parabola in ln N', \
     keyentry with points ps 1.9 pt 3 lw 1.6 lc rgb muted title (optimum_count > 0 ? 'its optimum' : 'no optimum')
