# compute.gp — loss against training compute: learning curves (thin), finished runs (points), and the front:
# the runs that no other run beats with less compute, as a staircase.
set logscale x
curve(i, column_name) = is('curve') && column('curve') == i ? column(column_name) : NaN
run(i, column_name) = is('run') && column('series') == i ? column(column_name) : NaN
front(column_name) = is('front') ? column(column_name) : NaN
if (curve_count > 0) {
    plot for [i=1:curve_count] data using (curve(i, 'flops')):(column('loss')) \
             with lines lw 0.9 lc rgb '#70'.(ramp[curve_colour[i]])[2:7] notitle, \
         data using (front('flops')):(column('loss')) with steps lw 2.2 lc rgb 'black' title 'best so far', \
         for [i=1:series_count] data using (run(i, 'flops')):(column('loss')) \
             with points ps 1.1 pt shape[i > 9 ? 9 : i] lc rgb ramp[colour[i]] title series_title[i]
} else {
    plot data using (front('flops')):(column('loss')) with steps lw 2.2 lc rgb 'black' title 'best so far', \
         for [i=1:series_count] data using (run(i, 'flops')):(column('loss')) \
             with points ps 1.1 pt shape[i > 9 ? 9 : i] lc rgb ramp[colour[i]] title series_title[i]
}
