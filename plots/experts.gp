# experts.gp — loss against the parameters a token uses. The line joins dense models; each disc is a mixture of
# experts, its area growing with the parameters it has in all. A disc below the line beats dense at equal use.
set logscale x
set rmargin at screen 0.97
set key inside right top
of(what, column_name) = is(what) ? column(column_name) : NaN
plot data using (of('moe', 'params_active')):(column('loss')):(column('radius')) \
         with points pt 7 ps variable lc rgb '#90c2410c' title 'mixture of experts', \
     data using (of('moe', 'params_active')):(column('loss')):(column('low')):(column('high')) \
         with yerrorbars pt -1 lw 1.2 lc rgb rust notitle, \
     data using (of('dense', 'params_active')):(column('loss')):(column('low')):(column('high')) \
         with yerrorbars pt -1 lw 1.2 lc rgb teal notitle, \
     data using (of('dense', 'params_active')):(column('loss')) \
         with linespoints lw 2.2 pt 7 lc rgb teal title 'dense', \
     data using (of('moe', 'params_active')):(column('label_y')):(stringcolumn('label')) \
         with labels right offset -2.2,0 noenhanced textcolor rgb rust notitle
