# load.gp — what share of the tokens each expert gets, layer by layer, from busiest to idlest; dashed: equal shares.
set style fill transparent solid 0.85 noborder
set yrange [0:*]
set xrange [0.5:expert_count + 0.5]
set arrow 91 from graph 0, first equal_share to graph 1, first equal_share nohead lc rgb muted lw 1 dt (6,5) front
set xtics 1
of(i, column_name) = column('series') == i ? column(column_name) : NaN
plot for [i=1:series_count] data using (of(i, 'rank')):(100 * column('share')) \
         with linespoints lw 2 pt shape[i > 9 ? 9 : i] lc rgb ramp[colour[i]] title series_title[i]
