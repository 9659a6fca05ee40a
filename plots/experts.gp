# experts.gp — loss against the parameters a token uses. The line joins dense models; each make of mixture has its
# colour and shape. A mark below the line beats dense at equal use.
set logscale x
set rmargin at screen 0.735
set key at screen 0.75, screen 0.83
of(what, column_name) = is(what) ? column(column_name) : NaN
moe(i, column_name) = is('moe') && column('series') == i ? column(column_name) : NaN
plot data using (of('dense', 'active')):(column('loss')):(column('low')):(column('high')) \
         with yerrorbars pt -1 lw 1.2 lc rgb teal notitle, \
     data using (of('dense', 'active')):(column('loss')) \
         with linespoints lw 2.2 pt 7 lc rgb teal title 'dense', \
     for [i=1:series_count] data using (moe(i, 'active')):(column('loss')):(column('low')):(column('high')) \
         with yerrorbars pt -1 lw 1.2 lc rgb ramp[colour[i]] notitle, \
     for [i=1:series_count] data using (moe(i, 'active')):(column('loss')) \
         with linespoints lw 1 dt (3,4) pt shape[1 + i % 4] ps 1.25 lc rgb ramp[colour[i]] title series_title[i]
