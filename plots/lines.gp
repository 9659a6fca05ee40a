# lines.gp — loss against one quantity, a line for each value of another; bars span the seeds.
set logscale x
of(i, column_name) = column('series') == i ? column(column_name) : NaN
plot for [i=1:series_count] data using (of(i, x_column)):(column('loss')):(column('low')):(column('high')) \
         with yerrorbars pt -1 lw 1.2 lc rgb ramp[colour[i]] notitle, \
     for [i=1:series_count] data using (of(i, x_column)):(column('loss')) \
         with linespoints lw 2.2 pt shape[i > 9 ? 9 : i] lc rgb ramp[colour[i]] title series_title[i]
